#[derive(Default)] pub struct SecretsState;
