//! The API's description: what is said of the API as a whole, and touches that the annotations cannot express.

use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    Components, Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, ResponseBuilder, Tag,
};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{CONTENT_TYPE, FieldError, ProblemBody};

/// The name of the way to prove who calls.
const SCHEME: &str = "bearer";

/// What every route answers that stands behind the guard.
const REFUSALS: [(&str, &str); 3] = [
    ("401", "The token is missing or not valid, or its session is over; see `WWW-Authenticate`."),
    ("403", "The token does not allow this."),
    ("429", "A limit of the tenant or the caller is used up; see `Retry-After`."),
];

const DESCRIPTION: &str = "Documents go in, ranked passages with citations come out.\n\n\
    Versions are opaque strings of 20 hexadecimal digits that compare in the order of commits: send the `version` of a write \
    as `min_version` of a read, and the read shows the write. Errors are `application/problem+json` (RFC 9457); \
    `errors[].pointer` names the field at fault. Every request but the open ones carries `authorization: Bearer` and a token. Every answer carries `x-request-id`.";

/// The description without its routes.
pub(crate) fn base() -> OpenApi {
    let mut components = Components::new();
    components.schemas.insert("Problem".into(), ProblemBody::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    let tags = [
        ("sign-in", "Accounts, logging in and out."),
        ("sessions", "Sessions of the caller, and of the tenant's users for administrators."),
        ("users", "The tenant's users and invitations, for administrators."),
        ("tokens", "Service tokens for agents and pipelines, for administrators."),
        ("audit", "Who did what, for administrators."),
        ("search", "Ranked passages, and contexts packed from them."),
        ("documents", "Storing, reading, listing and deleting documents."),
        ("collections", "Collections of documents that share an embedder."),
        ("workspaces", "Workspaces of users, and live connections to them."),
        ("operation", "Health and readiness."),
    ];
    let tags = tags.map(|(name, text)| {
        let mut tag = Tag::new(name);
        tag.description = Some(text.into());
        tag
    });
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("The token of a login (a JWT), or a service token."));
    components.security_schemes.insert(SCHEME.into(), RefOr::T(SecurityScheme::Http(scheme.build())));
    let everywhere = SecurityRequirement::new(SCHEME, Vec::<String>::new());
    OpenApiBuilder::new()
        .info(info())
        .components(Some(components))
        .tags(Some(tags))
        .security(Some([everywhere]))
        .build()
}

fn info() -> Info {
    InfoBuilder::new()
        .title("Coditect Knowledge Engine")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .build()
}

/// Writes wildcards as OpenAPI names them, and gives every error answer its body.
pub(crate) fn finish(mut api: OpenApi) -> OpenApi {
    let paths = std::mem::take(&mut api.paths.paths);
    for (path, mut item) in paths {
        for operation in operations(&mut item) {
            refuse(operation);
            for (status, response) in &mut operation.responses.responses {
                if let RefOr::T(response) = response
                    && (status.starts_with('4') || status.starts_with('5'))
                    && response.content.is_empty()
                {
                    let content =
                        utoipa::openapi::Content::new(Some(utoipa::openapi::Ref::from_schema_name("Problem")));
                    response.content.insert(CONTENT_TYPE.into(), RefOr::T(content));
                }
            }
        }
        api.paths.paths.insert(path.replace("{*", "{"), item);
    }
    api
}

/// Adds what the guard answers to a route that is not open.
fn refuse(operation: &mut Operation) {
    if operation.security.is_some() {
        return;
    }
    for (status, text) in REFUSALS {
        let response = || RefOr::T(ResponseBuilder::new().description(text).build());
        operation.responses.responses.entry(status.into()).or_insert_with(response);
    }
}

fn operations(item: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}
