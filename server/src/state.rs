//! What every handler can reach.

use std::sync::Arc;

use coditect_auth::{Auth, Caller};
use coditect_engine::model::{CollectionName, CollectionSpec, EmbedderInfo, SearchSettings};
use coditect_engine::vector::Quantization;
use coditect_engine::{Engine, Tenant};
use coditect_ingest::split::TokenCounter;
use coditect_store::{Clock, Store, TenantId};
use coditect_workspaces::Workspaces;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::gateway::Tunnels;
use crate::pipeline::Pipeline;
use crate::problem::{Problem, Result};
use crate::query::QueryVectors;
use crate::quotas::Quotas;
use crate::settings::Settings;
use crate::spelling::Spelling;

/// The running server's parts.
pub struct App {
    /// The settings that it was started with.
    pub settings: Settings,
    /// Source of ids and time.
    pub clock: Clock,
    /// The store below the engine.
    pub store: Store,
    /// The engine. Documents are reached through [`App::tenant`] alone.
    pub(crate) engine: Engine,
    /// Who may call.
    pub auth: Auth,
    /// The tenant whose collections all may read.
    pub shared_tenant: TenantId,
    /// Limits of tenants and callers.
    pub(crate) quotas: Quotas,
    /// The identity of this server's vectors.
    pub embedder: EmbedderInfo,
    /// The identity of the model that makes token codes, if there is one.
    pub tokens: Option<EmbedderInfo>,
    /// Counts tokens as the embedder does.
    pub counter: Arc<dyn TokenCounter>,
    /// Vectors of queries.
    pub queries: QueryVectors,
    /// Corrects misspelt queries before they are embedded.
    pub spelling: Spelling,
    /// The way of documents into the engine.
    pub pipeline: Pipeline,
    /// Renders the metrics.
    pub metrics: PrometheusHandle,
    /// Places for requests that read.
    pub reads: Arc<Semaphore>,
    /// Places for requests of those who sign in.
    pub sign_ins: Arc<Semaphore>,
    /// Places for requests that write.
    pub writes: Arc<Semaphore>,
    /// Sockets to workspaces.
    pub tunnels: Tunnels,
    /// Done when the server begins to stop.
    pub leaving: CancellationToken,
    /// Workspaces of users.
    pub workspaces: Workspaces,
}

/// The state of the router.
pub(crate) type AppState = Arc<App>;

impl App {
    /// What a caller can reach of the documents: of its tenant what its token is not kept from, and what is shared.
    ///
    /// # Errors
    /// When its token names a collection that cannot exist.
    pub(crate) fn tenant(&self, caller: &Caller) -> Result<Tenant> {
        let tenant = self.engine.tenant(caller.tenant()).sharing(&self.shared_tenant);
        match caller.collections() {
            Some(names) => {
                let names = names.iter().map(CollectionName::new).collect::<coditect_engine::Result<_>>();
                Ok(tenant.confined_to(names.map_err(Problem::internal)?))
            }
            None => Ok(tenant),
        }
    }

    /// Whether a tenant has something that whoever founds it anew must not get, though it may have no users: the shared one, and those that have documents.
    pub(crate) async fn is_taken(&self, tenant: &TenantId) -> Result<bool> {
        let (collections, _) = self.engine.tenant(tenant).collections(None, 1).await?;
        Ok(self.is_shared(tenant) || !collections.is_empty())
    }

    /// Whether this is the tenant whose collections all may read.
    pub(crate) fn is_shared(&self, tenant: &TenantId) -> bool {
        *tenant == self.shared_tenant
    }

    /// What a collection made by this server is made with, with or without tokens for late interaction.
    ///
    /// # Errors
    /// When tokens are wanted and no model makes them.
    pub fn collection_spec(&self, description: String, late_interaction: Option<bool>) -> Result<CollectionSpec> {
        let tokens = match late_interaction {
            Some(false) => None,
            Some(true) if self.tokens.is_none() => {
                let detail = "this server has no model for it: set late_interaction to \"on\", and start it again";
                return Err(Problem::field("/late_interaction", detail));
            }
            _ => self.tokens.clone(),
        };
        Ok(CollectionSpec {
            embedder: self.embedder.clone(),
            tokens,
            description,
            quantization: Quantization::default(),
            search: SearchSettings::default(),
        })
    }
}
