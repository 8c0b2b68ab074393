//! A database per test: SQLite in a temporary folder, or a fresh one on the server that `TEST_DATABASE_URL` names.

use secrecy::SecretString;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use event_actions::config::Config;

/// Where a test keeps its data.
pub struct Database {
    server: Option<(String, String)>,
}

impl Database {
    /// Makes the database and points the configuration at it.
    pub async fn make(config: &mut Config) -> Self {
        let Some(server) = std::env::var("TEST_DATABASE_URL").ok().filter(|u| !u.is_empty()) else {
            return Self { server: None };
        };
        let name = format!("ea_{}", uuid::Uuid::now_v7().simple());
        let mut connection = PgConnection::connect(&server).await.expect("TEST_DATABASE_URL answers");
        sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&mut connection).await.expect("a database can be made");
        let mut url = url::Url::parse(&server).expect("TEST_DATABASE_URL is a URL");
        url.set_path(&name);
        config.database_url = Some(url.into());
        config.database_connections = 4;
        config.master_key = Some(SecretString::from("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="));
        Self { server: Some((server, name)) }
    }

    /// Takes it away again.
    pub async fn remove(self) {
        let Some((server, name)) = self.server else { return };
        if let Ok(mut connection) = PgConnection::connect(&server).await {
            let dropped = sqlx::raw_sql(AssertSqlSafe(format!("drop database if exists {name} with (force)"))).execute(&mut connection).await;
            dropped.expect("the test's database can be dropped");
        }
    }
}
