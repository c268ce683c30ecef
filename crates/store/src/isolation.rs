//! PostgreSQL roles: what the runtime role is granted, and the check that row-level security holds for whoever is connected.

use migrations::{APPEND_ONLY_TABLES, GLOBAL_TABLES, READ_ONLY_TABLES, RUNTIME_FUNCTIONS};
use sea_orm::{ConnectionTrait, DbBackend, TransactionTrait};

use crate::{Error, IsolationFault, Store};

const ROLE: &str = "select rolname::text as role, rolsuper or rolbypassrls as bypasses
    from pg_roles where rolname = current_user";

const TABLES: &str =
    "select relname::text as name, relrowsecurity and relforcerowsecurity as closed
    from pg_class where relkind in ('r', 'p') and relnamespace = current_schema()::regnamespace
    order by relname";

// === impl Store ===

impl Store {
    /// Refuses to go on when PostgreSQL would not keep tenants apart for the connected role. SQLite has no roles: there,
    /// the scoped queries alone keep tenants apart.
    ///
    /// # Errors
    /// [`Error::Isolation`] for a superuser, a role with BYPASSRLS, or a tenant's table without forced row-level security.
    pub async fn check_isolation(&self) -> Result<(), Error> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        if let Some(row) = self.connection().query_one_raw(self.statement(ROLE)).await?
            && row.try_get::<bool>("", "bypasses")?
        {
            let role = row.try_get("", "role")?;
            return Err(Error::Isolation(IsolationFault::RoleBypasses { role }));
        }
        for (table, closed) in self.tables().await? {
            if !closed && !GLOBAL_TABLES.contains(&table.as_str()) {
                return Err(Error::Isolation(IsolationFault::TableOpen { table }));
            }
        }
        Ok(())
    }

    /// Grants a role what the product needs to run on PostgreSQL, and takes from it what it must not have: `TRUNCATE`,
    /// which row-level security does not stop, changes of the audit log, and changes of the schema. Nothing on SQLite.
    ///
    /// # Errors
    /// [`Error::Database`], also when there is no such role.
    pub async fn grant_runtime_role(&self, role: &str) -> Result<(), Error> {
        if self.backend() != DbBackend::Postgres {
            return Ok(());
        }
        let role = quoted(role);
        let tx = self.connection().begin().await?;
        let schema: String = {
            let sql = self.statement("select current_schema()::text as name");
            let row = tx.query_one_raw(sql).await?.ok_or(Error::NotFound)?;
            quoted(&row.try_get::<String>("", "name")?)
        };
        let mut statements = vec![format!("GRANT USAGE ON SCHEMA {schema} TO {role}")];
        for (table, _) in self.tables().await? {
            let rights = rights_on(&table);
            let table = quoted(&table);
            statements.push(format!("REVOKE ALL ON {schema}.{table} FROM {role}"));
            statements.push(format!("GRANT {rights} ON {schema}.{table} TO {role}"));
        }
        statements.extend(
            RUNTIME_FUNCTIONS
                .iter()
                .map(|function| format!("GRANT EXECUTE ON FUNCTION {schema}.{function} TO {role}")),
        );
        for statement in statements {
            tx.execute_unprepared(&statement).await?;
        }
        Ok(tx.commit().await?)
    }

    async fn tables(&self) -> Result<Vec<(String, bool)>, Error> {
        let rows = self.connection().query_all_raw(self.statement(TABLES)).await?;
        rows.iter().map(|row| Ok((row.try_get("", "name")?, row.try_get("", "closed")?))).collect()
    }
}

fn rights_on(table: &str) -> &'static str {
    if READ_ONLY_TABLES.contains(&table) {
        "SELECT"
    } else if APPEND_ONLY_TABLES.contains(&table) {
        "SELECT, INSERT"
    } else {
        "SELECT, INSERT, UPDATE, DELETE"
    }
}

/// Names cannot be bound as parameters.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_name_cannot_end_its_quotes() {
        assert_eq!(quoted(r#"app"; drop table x; --"#), r#""app""; drop table x; --""#);
    }

    #[test]
    fn runtime_role_is_never_granted_truncate_or_changes_of_the_audit_log() {
        assert_eq!(rights_on("audit_events"), "SELECT, INSERT");
        assert_eq!(rights_on("seaql_migrations"), "SELECT");
        assert!(!rights_on("installs").contains("TRUNCATE"));
    }
}
