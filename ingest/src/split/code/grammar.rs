//! Parsers, and what the parts of their trees mean.

use std::ops::ControlFlow;

use tree_sitter::{Node, ParseOptions, Parser, Tree};

use crate::split::Language;
use crate::split::limits::{SYNTAX_CHECK_BYTES, SYNTAX_CHECKS};

fn grammar(language: Language) -> Option<tree_sitter::Language> {
    Some(match language {
        Language::Rust => tree_sitter_rust::LANGUAGE.into(),
        Language::Python => tree_sitter_python::LANGUAGE.into(),
        Language::JavaScript => tree_sitter_javascript::LANGUAGE.into(),
        Language::TypeScript => tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into(),
        Language::Tsx => tree_sitter_typescript::LANGUAGE_TSX.into(),
        Language::Go => tree_sitter_go::LANGUAGE.into(),
        Language::Java => tree_sitter_java::LANGUAGE.into(),
        Language::C => tree_sitter_c::LANGUAGE.into(),
        Language::Cpp => tree_sitter_cpp::LANGUAGE.into(),
        Language::Other => return None,
    })
}

/// The syntax tree of a source; none when there is no parser or the source costs it too much.
pub(super) fn tree(source: &str, language: Language) -> Option<Tree> {
    let mut parser = Parser::new();
    parser.set_language(&grammar(language)?).ok()?;
    let mut checks_left = SYNTAX_CHECKS + source.len() / SYNTAX_CHECK_BYTES;
    let mut check = |_: &_| {
        checks_left = checks_left.saturating_sub(1);
        if checks_left == 0 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let options = ParseOptions::new().progress_callback(&mut check);
    let bytes = source.as_bytes();
    parser.parse_with_options(&mut |at, _| bytes.get(at..).unwrap_or_default(), None, Some(options))
}

/// Nodes that define something that has a name.
const DEFINITIONS: [&str; 43] = [
    "function_item",
    "function_signature_item",
    "impl_item",
    "trait_item",
    "struct_item",
    "enum_item",
    "union_item",
    "mod_item",
    "macro_definition",
    "function_definition",
    "class_definition",
    "function_declaration",
    "generator_function_declaration",
    "class_declaration",
    "abstract_class_declaration",
    "method_definition",
    "interface_declaration",
    "enum_declaration",
    "type_alias_declaration",
    "internal_module",
    "module",
    "variable_declarator",
    "method_declaration",
    "type_spec",
    "record_declaration",
    "constructor_declaration",
    "compact_constructor_declaration",
    "annotation_type_declaration",
    "struct_specifier",
    "enum_specifier",
    "union_specifier",
    "class_specifier",
    "namespace_definition",
    "object_declaration",
    "protocol_declaration",
    "extension_declaration",
    "module_definition",
    "concept_definition",
    "field_function_definition",
    "abstract_method_signature",
    "function_signature",
    "method_signature",
    "foreign_mod_item",
];

/// Nodes around a definition that add decorators, modifiers or type parameters to it.
const WRAPPERS: [&str; 9] = [
    "export_statement",
    "decorated_definition",
    "template_declaration",
    "ambient_declaration",
    "lexical_declaration",
    "variable_declaration",
    "type_declaration",
    "declaration",
    "type_definition",
];

/// The definition that a node is, or is wrapped around.
pub(super) fn definition(node: Node<'_>) -> Option<Node<'_>> {
    const MOST_WRAPPERS: usize = 4;
    let mut node = node;
    for _ in 0..MOST_WRAPPERS {
        if DEFINITIONS.contains(&node.kind()) {
            return Some(node).filter(|node| node.kind() != "variable_declarator" || is_function_value(*node));
        }
        if !WRAPPERS.contains(&node.kind()) {
            return None;
        }
        let wrapped = ["declaration", "definition", "type"].iter().find_map(|field| node.child_by_field_name(field));
        node = wrapped.or_else(|| {
            let mut cursor = node.walk();
            node.named_children(&mut cursor)
                .find(|child| DEFINITIONS.contains(&child.kind()) || WRAPPERS.contains(&child.kind()))
        })?;
    }
    None
}

fn is_function_value(declarator: Node<'_>) -> bool {
    let value = declarator.child_by_field_name("value");
    value.is_some_and(|value| matches!(value.kind(), "arrow_function" | "function_expression" | "function" | "class"))
}

/// The name of a definition as a heading shows it.
pub(super) fn name(node: Node<'_>, source: &str) -> Option<String> {
    let text = |node: Node<'_>| source.get(node.byte_range()).map(str::to_owned);
    let field = |name: &str| node.child_by_field_name(name);
    if node.kind() == "impl_item" {
        let of_type = field("type").and_then(text)?;
        return match field("trait").and_then(text) {
            Some(of_trait) => Some(format!("{of_trait} for {of_type}")),
            None => Some(of_type),
        };
    }
    if let Some(name) = field("name") {
        return text(name);
    }
    let mut declarator = field("declarator")?;
    while let Some(inner) = declarator.child_by_field_name("declarator") {
        declarator = inner;
    }
    text(declarator)
}

/// The part of a definition that holds its members or statements.
pub(super) fn body(node: Node<'_>) -> Option<Node<'_>> {
    const BODIES: [&str; 6] =
        ["declaration_list", "field_declaration_list", "class_body", "block", "statement_block", "enum_body"];
    let value = node.child_by_field_name("value").and_then(|value| value.child_by_field_name("body"));
    node.child_by_field_name("body").or(value).or_else(|| {
        let mut cursor = node.walk();
        node.named_children(&mut cursor).find(|child| BODIES.contains(&child.kind()))
    })
}

/// A comment, attribute or decorator that belongs to what follows it.
pub(super) fn is_lead(node: Node<'_>) -> bool {
    const LEADS: [&str; 6] =
        ["attribute_item", "decorator", "annotation", "marker_annotation", "attribute_declaration", "access_specifier"];
    node.kind().ends_with("comment") || LEADS.contains(&node.kind())
}
