//! Which language a text is in that came without a file name: the one whose grammar reads it.

use super::grammar::{definition, tree};
use crate::split::Language;
use crate::split::limits::RECOGNISED_BYTES;

/// How lines begin that define or import something, by language; a grammar is asked only where one is there. The order
/// decides between languages that read the same text.
const SIGNS: [(Language, &[&str]); 8] = [
    (Language::Python, &["def ", "async def ", "class ", "@"]),
    (Language::Go, &["func ", "type ", "package "]),
    (Language::Rust, &["fn ", "pub ", "impl ", "impl<", "struct ", "enum ", "trait ", "async fn ", "unsafe fn ", "#["]),
    (Language::Java, &["public ", "private ", "protected ", "static ", "class ", "interface ", "package ", "@"]),
    (Language::JavaScript, &["function ", "async function ", "class ", "const ", "let ", "var ", "export ", "module."]),
    (
        Language::TypeScript,
        &["function ", "async function ", "class ", "const ", "export ", "interface ", "type ", "enum "],
    ),
    (
        Language::C,
        &["#include", "int ", "void ", "static ", "char ", "struct ", "unsigned ", "const ", "extern ", "typedef "],
    ),
    (
        Language::Cpp,
        &["#include", "template", "namespace ", "class ", "using ", "int ", "void ", "static ", "bool ", "auto "],
    ),
];

/// The language of `text`, where one is beyond doubt: its grammar finds no error, and most of the text defines something.
pub(in crate::split) fn recognise(text: &str) -> Option<Language> {
    let text = text.trim_start_matches('\u{feff}');
    if text.len() > RECOGNISED_BYTES {
        return None;
    }
    let shown = |signs: &[&str]| text.lines().any(|line| signs.iter().any(|sign| line.trim_start().starts_with(sign)));
    let asked = SIGNS.iter().filter(|(_, signs)| shown(signs)).map(|(language, _)| *language);
    asked.into_iter().find(|&language| is_in(text, language))
}

fn is_in(text: &str, language: Language) -> bool {
    let whole = tree(text, language);
    let Some(root) = whole.as_ref().map(|tree| tree.root_node()).filter(|root| !root.has_error()) else { return false };
    let mut cursor = root.walk();
    let defining = root.named_children(&mut cursor).filter(|&child| definition(child).is_some());
    let defined: usize = defining.map(|child| child.byte_range().len()).sum();
    defined * 2 > text.trim().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_recognised_by_their_grammar() {
        let cases = [
            ("def open(path):\n    \"\"\"Opens.\"\"\"\n    return path\n", Some(Language::Python)),
            ("@cached\ndef open(path):\n    print 'old style', path\n", Some(Language::Python)),
            ("func Open(path string) error {\n\treturn nil\n}\n", Some(Language::Go)),
            ("pub fn open(path: &str) -> Option<u8> {\n    None\n}\n", Some(Language::Rust)),
            ("public int open(String path) {\n    return 1;\n}\n", Some(Language::Java)),
            ("function open(path) {\n  return path;\n}\n", Some(Language::JavaScript)),
            ("export const open = (path: string): number => 1;\n", Some(Language::TypeScript)),
            ("int open(const char *path) {\n    return 1;\n}\n", Some(Language::C)),
            ("template <class T> T open(T path) { return path; }\n", Some(Language::Cpp)),
        ];
        for (text, language) in cases {
            assert_eq!(recognise(text), language, "{text}");
        }
    }

    #[test]
    fn prose_and_data_are_not_code() {
        let texts = [
            "",
            "class struggle in the nineteenth century",
            "type of cell: a neuron.\nfunc is short for function.",
            "int main is where a program begins.\n\nvoid is a word, too.",
            "static electricity builds up.",
            "let it be",
            "const",
            "@someone wrote this",
            "def: an abbreviation of definition",
            "{\"json\": true}",
            "An explanation of some length, and then\n\ndef f(x):\n    return x\n\nwhich is what we wanted to say about it all.",
        ];
        for text in texts {
            assert_eq!(recognise(text), None, "{text}");
        }
        assert_eq!(recognise(&"def f(): pass\n".repeat(RECOGNISED_BYTES)), None);
    }
}
