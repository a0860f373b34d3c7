//! The way to the API: address, credentials, and an ear for the pauses that it asks for.

use hyper::Response;
use hyper::header::RETRY_AFTER;
use kube::Config;
use kube::client::{ClientBuilder, DynBody};
use kube::config::{KubeConfigOptions, Kubeconfig};
use tower::util::MapResponseLayer;

use super::calls::{Calls, Pause};
use super::{KubeCluster, KubeOptions};
use crate::cluster::{ClusterError, ClusterErrorKind, ClusterResult};

impl KubeCluster {
    /// The cluster that `options` lead to. It is not asked anything yet.
    ///
    /// # Errors
    /// For an address that is none, and for credentials that cannot be found or read.
    pub async fn connect(options: KubeOptions) -> ClusterResult<Self> {
        let mut config = config(&options).await?;
        // Requests are repeated in one place, calls.rs, which knows all of them.
        config.default_retry = false;
        let pause = Pause::default();
        let heard = pause.clone();
        let hear = MapResponseLayer::new(move |response: Response<Box<DynBody>>| {
            if response.status().as_u16() == 429 || response.status().is_server_error() {
                let seconds = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
                heard.ask(seconds.unwrap_or(0));
            }
            response
        });
        let builder = ClientBuilder::try_from(config).map_err(|error| unusable().caused_by(error))?;
        let client = builder.with_layer(&hear).build();
        Ok(Self { client, calls: Calls::new(&options, pause), options })
    }
}

async fn config(options: &KubeOptions) -> ClusterResult<Config> {
    match (&options.url, &options.kubeconfig) {
        (Some(url), _) => Ok(Config::new(url.parse().map_err(|error| unusable().caused_by(error_of(url, &error)))?)),
        (None, Some(file)) => {
            let read = Kubeconfig::read_from(file).map_err(|error| unusable().caused_by(error))?;
            let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
            config.map_err(|error| unusable().caused_by(error))
        }
        (None, None) => Config::infer().await.map_err(|error| unusable().caused_by(error)),
    }
}

fn unusable() -> ClusterError {
    ClusterError::new(ClusterErrorKind::Refused, "find the way to the Kubernetes API")
}

fn error_of(url: &str, error: &dyn std::error::Error) -> String {
    format!("{url}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_address_that_is_none_is_refused() {
        let options = KubeOptions { url: Some("not an address".into()), ..KubeOptions::default() };
        let refused = KubeCluster::connect(options).await.unwrap_err();
        assert_eq!(refused.to_string(), "find the way to the Kubernetes API");
    }

    #[tokio::test]
    async fn the_way_is_taken_from_the_file_that_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let options = KubeOptions { kubeconfig: Some(file.clone()), ..KubeOptions::default() };
        assert!(KubeCluster::connect(options.clone()).await.is_err());
        let text = "apiVersion: v1\nkind: Config\ncurrent-context: it\n\
            clusters: [{name: it, cluster: {server: 'http://127.0.0.1:9'}}]\n\
            contexts: [{name: it, context: {cluster: it, user: it}}]\nusers: [{name: it, user: {}}]\n";
        std::fs::write(&file, text).unwrap();
        assert_eq!(config(&options).await.unwrap().cluster_url.to_string(), "http://127.0.0.1:9/");
    }
}
