pub fn inner_configurations(_:&serde_json::Value)->Vec<(String,String,serde_json::Value)>{vec![]}
