//! Looking at workspaces.

use coditect_auth::{Acting, Page, Scope, UserId, WorkspaceId, check_limit};
use coditect_store::{RangeQuery, key_after};

use crate::error::{Error, Result};
use crate::keys::workspace_in;
use crate::workspace::{self, Workspace};
use crate::workspaces::Workspaces;

impl Workspaces {
    /// A workspace, the caller's own or with the scope `admin` anybody's of its tenant. One that was deleted is shown for a while.
    ///
    /// # Errors
    /// `NotFound` when there is none that the caller may see.
    pub async fn get(&self, acting: &Acting, id: &WorkspaceId) -> Result<Workspace> {
        let found = self.find(acting.caller().tenant(), id).await?;
        found.filter(|it| acting.may_look_after(&it.user)).ok_or_else(Error::not_found)
    }

    /// Workspaces, oldest first: the caller's own, with the scope `admin` those of all users of its tenant.
    ///
    /// # Errors
    /// `Forbidden` for a service token without the scope `admin`; `Invalid` for a limit out of range.
    pub async fn list(&self, acting: &Acting, after: Option<&WorkspaceId>, limit: usize) -> Result<Page<Workspace>> {
        check_limit(limit)?;
        match acting.caller().may(Scope::Admin) {
            true => self.of_tenant(acting, after, limit).await,
            false => self.of_user(acting, acting.own_user()?, after, limit).await,
        }
    }

    async fn of_tenant(&self, acting: &Acting, after: Option<&WorkspaceId>, limit: usize) -> Result<Page<Workspace>> {
        let keys = &self.inner.keys.tenant(acting.caller().tenant());
        let (begin, end) = keys.records().range();
        let begin = after.map_or(begin, |after| key_after(&keys.record(after)).to_vec());
        let range = &RangeQuery::from((begin, end)).limit(limit);
        let found = self.inner.run(|tx| async move { Ok(tx.snapshot().get_range(range.clone()).await?) }).await?;
        let items = found.items.iter().map(|item| workspace::decode(&item.value)).collect::<Result<_>>()?;
        Ok(Page { items, more: found.more })
    }

    async fn of_user(
        &self,
        acting: &Acting,
        user: &UserId,
        after: Option<&WorkspaceId>,
        limit: usize,
    ) -> Result<Page<Workspace>> {
        let keys = &self.inner.keys.tenant(acting.caller().tenant());
        let space = &keys.all_of(user);
        let (begin, end) = space.range();
        let begin = after.map_or(begin, |after| key_after(&keys.one_of(user, after)).to_vec());
        let range = &RangeQuery::from((begin, end)).limit(limit);
        self.inner
            .run(|tx| async move {
                let found = tx.snapshot().get_range(range.clone()).await?;
                let mut items = Vec::new();
                for item in &found.items {
                    items.extend(workspace::read(&tx, keys, &workspace_in(space, &item.key)?).await?);
                }
                Ok(Page { items, more: found.more })
            })
            .await
    }
}
