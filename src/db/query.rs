//! Lists with optional filters: constant pieces of SQL, bound values, keyset paging.

use sqlx::AssertSqlSafe;

use super::Db;
use crate::on_db;

/// A value bound to a statement.
#[derive(Clone, Debug)]
pub enum Bind {
    /// A text.
    Text(String),
    /// A number, or an instant in Unix milliseconds.
    Int(i64),
}

impl From<&str> for Bind {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bind {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Bind {
    fn from(n: i64) -> Self {
        Self::Int(n)
    }
}

/// A `select` that grows by filters. Its text is made of constants alone; values are always bound.
#[derive(Clone, Debug)]
pub struct Select {
    sql: String,
    binds: Vec<Bind>,
    filtered: bool,
}

impl Select {
    /// Begins with a constant `select ... from ...`.
    #[must_use]
    pub fn new(head: &'static str) -> Self {
        Self { sql: head.to_owned(), binds: Vec::new(), filtered: false }
    }

    /// Adds a condition in which `?` stands for the value.
    pub fn filter(&mut self, condition: &'static str, value: impl Into<Bind>) {
        self.filters(condition, [value.into()]);
    }

    /// Adds a condition in which each `?` stands for the next value.
    pub fn filters<const N: usize>(&mut self, condition: &'static str, values: [Bind; N]) {
        let mut text = condition.to_owned();
        for value in values {
            self.binds.push(value);
            text = text.replacen('?', &format!("${}", self.binds.len()), 1);
        }
        self.fixed_text(&text);
    }

    /// Adds a condition when the value is there.
    pub fn maybe<T: Into<Bind>>(&mut self, condition: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.filter(condition, value);
        }
    }

    /// Narrows to a tenant (all when none) beside a filter that has an index of its own. SQLite keeps no statistics and would take
    /// the tenant's index, in which everything may be this tenant's; the `+` keeps it from that. PostgreSQL weighs by itself.
    pub fn tenant_beside(&mut self, db: &Db, tenant: Option<&str>) {
        self.maybe(if db.is_shared() { "tenant_id = ?" } else { "+tenant_id = ?" }, tenant);
    }

    /// Adds a condition without a value.
    pub fn fixed(&mut self, condition: &'static str) {
        self.fixed_text(condition);
    }

    fn fixed_text(&mut self, condition: &str) {
        self.sql.push_str(if self.filtered { " and " } else { " where " });
        self.sql.push_str(condition);
        self.filtered = true;
    }

    /// Adds the end, such as `order by id desc`.
    pub fn tail(&mut self, tail: &'static str) {
        self.sql.push(' ');
        self.sql.push_str(tail);
    }

    /// Adds `limit n`.
    pub fn limit(&mut self, n: u32) {
        self.sql.push_str(&format!(" limit {n}"));
    }

    /// Runs it.
    ///
    /// # Errors
    /// The database's.
    pub async fn fetch<T>(self, db: &Db) -> sqlx::Result<Vec<T>>
    where
        T: Send + Unpin + for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow> + for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    {
        let Self { sql, binds, .. } = self;
        on_db!(db, pool => {
            let mut query = sqlx::query_as(AssertSqlSafe(sql));
            for bind in binds {
                query = match bind {
                    Bind::Text(text) => query.bind(text),
                    Bind::Int(n) => query.bind(n),
                };
            }
            query.fetch_all(pool).await
        })
    }
}
