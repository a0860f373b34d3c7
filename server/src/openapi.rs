//! The API's description: what is said of the API as a whole, and touches that the annotations cannot express.

use utoipa::openapi::{Components, Info, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, RefOr, Tag};
use utoipa::{PartialSchema, ToSchema};

use crate::problem::{CONTENT_TYPE, FieldError, ProblemBody};

const DESCRIPTION: &str = "Documents go in, ranked passages with citations come out.\n\n\
    Versions are opaque strings of 20 hexadecimal digits that compare in the order of commits: send the `version` of a write \
    as `min_version` of a read, and the read shows the write. Errors are `application/problem+json` (RFC 9457); \
    `errors[].pointer` names the field at fault. Every answer carries `x-request-id`.";

/// The description without its routes.
pub(crate) fn base() -> OpenApi {
    let mut components = Components::new();
    components.schemas.insert("Problem".into(), ProblemBody::schema());
    components.schemas.insert(FieldError::name().into_owned(), FieldError::schema());
    let tags = [
        ("search", "Ranked passages, and contexts packed from them."),
        ("documents", "Storing, reading, listing and deleting documents."),
        ("collections", "Collections of documents that share an embedder."),
        ("operation", "Health, readiness and metrics."),
    ];
    let tags = tags.map(|(name, text)| {
        let mut tag = Tag::new(name);
        tag.description = Some(text.into());
        tag
    });
    OpenApiBuilder::new().info(info()).components(Some(components)).tags(Some(tags)).build()
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

fn operations(item: &mut utoipa::openapi::PathItem) -> impl Iterator<Item = &mut utoipa::openapi::path::Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.patch, &mut item.delete]
        .into_iter()
        .filter_map(Option::as_mut)
}
