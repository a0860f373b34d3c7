//! Rules that need the syntax tree: the length of functions, and where `unsafe` may stand.

use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::finding::Finding;

/// Lines from the signature to the closing brace.
const FUNCTION_LINES: usize = 70;

/// Folders in which `unsafe` is allowed, each block with its safety argument.
const UNSAFE_ALLOWED: &[&str] =
    &["engine/src/vector/", "engine/src/vector.rs", "store/fdb-standin/", "store/src/fdb/network.rs"];

/// Checks one Rust file; a file that does not parse is a finding too.
pub(crate) fn check(path: &str, source: &str) -> Vec<Finding> {
    let file = match syn::parse_file(source) {
        Ok(file) => file,
        Err(error) => {
            return vec![Finding::at(path, error.span().start().line, format!("does not parse: {error}"))];
        }
    };
    let unsafe_allowed = UNSAFE_ALLOWED.iter().any(|folder| path.starts_with(folder));
    let mut checker = Checker { path, unsafe_allowed, findings: Vec::new() };
    checker.visit_file(&file);
    checker.findings
}

struct Checker<'a> {
    path: &'a str,
    unsafe_allowed: bool,
    findings: Vec<Finding>,
}

impl Checker<'_> {
    fn function(&mut self, signature: &syn::Signature, body: &syn::Block) {
        let first = signature.span().start().line;
        let lines = body.span().end().line + 1 - first;
        if lines > FUNCTION_LINES {
            let message = format!("function `{}` has {lines} lines, more than {FUNCTION_LINES}", signature.ident);
            self.findings.push(Finding::at(self.path, first, message));
        }
    }

    fn unsafety(&mut self, line: usize) {
        if !self.unsafe_allowed {
            let message = format!("`unsafe` belongs in {} only", UNSAFE_ALLOWED.join(", "));
            self.findings.push(Finding::at(self.path, line, message));
        }
    }
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(&item.sig, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_trait_item_fn(&mut self, item: &'ast syn::TraitItemFn) {
        if let Some(body) = &item.default {
            self.function(&item.sig, body);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_expr_unsafe(&mut self, block: &'ast syn::ExprUnsafe) {
        self.unsafety(block.unsafe_token.span().start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if let Some(token) = &item.unsafety {
            self.unsafety(token.span().start().line);
        }
        visit::visit_item_impl(self, item);
    }

    fn visit_signature(&mut self, signature: &'ast syn::Signature) {
        if let syn::Safety::Unsafe(token) = &signature.safety {
            self.unsafety(token.span().start().line);
        }
        visit::visit_signature(self, signature);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, source: &str) -> Vec<usize> {
        check(path, source).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_long_function_is_found_wherever_it_stands() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_LINES - 1);
        let long = format!("fn long() {{\n{body}}}\n");
        assert_eq!(lines("a.rs", &format!("//! Doc.\n{long}")), [2]);
        assert_eq!(lines("a.rs", &format!("impl A {{\n{long}}}\n")), [2]);
        assert_eq!(lines("a.rs", &format!("trait A {{\n{long}}}\n")), [2]);
        assert_eq!(lines("a.rs", &format!("mod a {{\n{long}}}\n")), [2]);
    }

    #[test]
    fn a_function_at_the_limit_passes() {
        let body = "    let _ = 1;\n".repeat(FUNCTION_LINES - 2);
        assert!(lines("a.rs", &format!("/// Doc.\n#[inline]\nfn f() {{\n{body}}}\n")).is_empty());
    }

    #[test]
    fn unsafe_stands_in_its_places_only() {
        let source = "fn f() { unsafe { g() } }\nunsafe fn g() {}\nunsafe impl Send for A {}\n";
        assert_eq!(lines("engine/src/keyword/a.rs", source), [1, 2, 3]);
        assert!(lines("engine/src/vector/a.rs", source).is_empty());
    }

    #[test]
    fn what_does_not_parse_is_reported() {
        assert_eq!(lines("a.rs", "fn f( {}\n").len(), 1);
    }
}
