//! The kinds of objects that the mock keeps, where they are, and what the gateway's role lets it do with each.

/// A kind of object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    Namespace,
    Policy,
    Service,
    Claim,
    Secret,
    Pod,
}

/// Where an object is. Namespaces are in the namespace of no name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Place {
    pub(crate) kind: Kind,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] =
        [Self::Namespace, Self::Policy, Self::Service, Self::Claim, Self::Secret, Self::Pod];

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Self::Namespace => "namespaces",
            Self::Policy => "networkpolicies",
            Self::Service => "services",
            Self::Claim => "persistentvolumeclaims",
            Self::Secret => "secrets",
            Self::Pod => "pods",
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Namespace => "Namespace",
            Self::Policy => "NetworkPolicy",
            Self::Service => "Service",
            Self::Claim => "PersistentVolumeClaim",
            Self::Secret => "Secret",
            Self::Pod => "Pod",
        }
    }

    pub(crate) fn api_version(self) -> &'static str {
        if self == Self::Policy { "networking.k8s.io/v1" } else { "v1" }
    }

    /// The verbs of the role in docs/workspaces.md.
    pub(crate) fn rights(self) -> &'static [&'static str] {
        match self {
            Self::Namespace => &["get", "create"],
            Self::Pod => &["get", "list", "watch", "create", "delete"],
            Self::Service | Self::Policy => &["get", "create", "patch", "delete"],
            Self::Claim => &["get", "create", "delete"],
            Self::Secret => &["create", "patch", "delete"],
        }
    }
}

impl Place {
    pub(crate) fn new(kind: Kind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// What a path leads to: a kind, a namespace unless it is all of them, and a name unless it is all of that.
    pub(crate) fn of_path(path: &str) -> Option<(Kind, Option<String>, Option<String>)> {
        let rest = path.strip_prefix("/api/v1/").or_else(|| path.strip_prefix("/apis/networking.k8s.io/v1/"))?;
        let parts: Vec<&str> = rest.split('/').collect();
        let kind = |plural: &str| Kind::ALL.into_iter().find(|kind| kind.plural() == plural);
        let owned = |part: &str| Some(part.to_owned());
        match parts[..] {
            ["namespaces"] => Some((Kind::Namespace, Some(String::new()), None)),
            ["namespaces", name] => Some((Kind::Namespace, Some(String::new()), owned(name))),
            ["namespaces", namespace, plural] => Some((kind(plural)?, owned(namespace), None)),
            ["namespaces", namespace, plural, name] => Some((kind(plural)?, owned(namespace), owned(name))),
            [plural] => Some((kind(plural)?, None, None)),
            _ => None,
        }
    }
}
