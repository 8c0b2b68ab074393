pub fn needs_admin(_:&serde_json::Value)->Option<crate::model::FieldError>{None}
