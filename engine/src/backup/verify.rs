//! Whether the bucket holds what documents say.

use super::object::{self, DocumentObject};
use super::place;
use crate::bucket::Bucket;
use crate::documents::read::Whole;
use crate::error::{ErrorKind, Result, chain};
use crate::model::{CollectionName, DocumentId, TenantId};

/// What is wrong with a document's object.
pub(crate) enum ObjectFault {
    Missing,
    /// It cannot be read, for this reason.
    Damaged(String),
    /// It is whole, and of another state.
    Other,
}

/// The path of a document's object.
pub(crate) fn path(tenant: &TenantId, name: &CollectionName, id: &DocumentId) -> String {
    place::document(tenant, name, id)
}

/// The paths of all objects of a collection's documents.
pub(crate) async fn paths(bucket: &Bucket, tenant: &TenantId, name: &CollectionName) -> Result<Vec<String>> {
    bucket.list(&place::documents_of(tenant, name)).await
}

/// What is wrong with the object of a document that is in this state.
pub(crate) async fn fault(
    bucket: &Bucket,
    (tenant, name, id): (&TenantId, &CollectionName, &DocumentId),
    whole: Whole,
    text: String,
) -> Result<Option<ObjectFault>> {
    let Some(found) = bucket.get(&path(tenant, name, id)).await? else { return Ok(Some(ObjectFault::Missing)) };
    let expected = object::seal(&DocumentObject::new(tenant, name, id, whole, text)?)?;
    if found == expected {
        return Ok(None);
    }
    Ok(Some(match object::hash_of(&found) {
        Ok(_) => ObjectFault::Other,
        Err(error) => ObjectFault::Damaged(chain(&error).to_string()),
    }))
}

/// Of which document an object is.
pub(crate) enum ObjectOf {
    Document(DocumentId),
    /// It cannot be told, or the object is in another's place.
    Unknown,
    /// There is no such object.
    Gone,
}

/// Of which document the object at `path` is.
pub(crate) async fn document_of(
    bucket: &Bucket,
    tenant: &TenantId,
    name: &CollectionName,
    path: &str,
) -> Result<ObjectOf> {
    let Some(bytes) = bucket.get(path).await? else { return Ok(ObjectOf::Gone) };
    match object::open::<DocumentObject>(&bytes) {
        Ok(object) if place::document(tenant, name, &object.document_id) == path => {
            Ok(ObjectOf::Document(object.document_id))
        }
        Ok(_) => Ok(ObjectOf::Unknown),
        Err(error) if *error.kind() == ErrorKind::Corrupt => Ok(ObjectOf::Unknown),
        Err(error) => Err(error),
    }
}
