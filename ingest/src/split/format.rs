//! Which format and which kind of document a text is, by its path and its first bytes.

use super::code::recognise;
use crate::wire::kind;

/// How a text is parsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Format {
    /// CommonMark with tables and footnotes.
    Markdown,
    /// Markdown with JSX.
    Mdx,
    /// reStructuredText.
    Rst,
    /// HTML.
    Html,
    /// Plain text.
    Text,
    /// Source code, configuration or data.
    Code(Language),
}

/// A language of source code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript, JSX included.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// Go.
    Go,
    /// Java.
    Java,
    /// C.
    C,
    /// C++.
    Cpp,
    /// Any other: split at blank lines and lines, by indentation.
    Other,
}

const FORMATS: [(&str, Format); 16] = [
    ("markdown", Format::Markdown),
    ("mdx", Format::Mdx),
    ("rst", Format::Rst),
    ("html", Format::Html),
    ("text", Format::Text),
    ("rust", Format::Code(Language::Rust)),
    ("python", Format::Code(Language::Python)),
    ("javascript", Format::Code(Language::JavaScript)),
    ("typescript", Format::Code(Language::TypeScript)),
    ("tsx", Format::Code(Language::Tsx)),
    ("go", Format::Code(Language::Go)),
    ("java", Format::Code(Language::Java)),
    ("c", Format::Code(Language::C)),
    ("cpp", Format::Code(Language::Cpp)),
    ("code", Format::Code(Language::Other)),
    ("md", Format::Markdown),
];

/// Extensions of code that has no parser of its own here.
const OTHER_CODE: &str = " ada asm s awk bash sh zsh fish ps1 bat cmd clj cljs cljc cs csx css scss less sass cu cuh d dart \
    dockerfile el elm erl ex exs f90 f fs fsx gd gradle graphql groovy hcl hs hx idl ini cfg conf env properties java_ jl json \
    jsonc json5 jsonl ndjson ipynb kt kts lisp lock lua m mm mak mk ml mli nim nix pas php pl pm proto ps pyx r rb rake rkt \
    scala scm sol sql svelte swift tcl tf tfvars thrift toml v vb vhd vue wat webmanifest xml xsd xsl yaml yml zig cmake bzl \
    bazel star csv tsv plist glsl wgsl hlsl metal ";

impl Format {
    /// The name by which documents and users call the format.
    #[must_use]
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("text", |(name, _)| name)
    }

    /// The programming language, by the name that people ask for it; none for prose and for code that is only known by
    /// its file extension.
    #[must_use]
    pub fn language(self) -> Option<&'static str> {
        match self {
            Self::Code(Language::Other) => None,
            Self::Code(Language::Tsx) => Self::Code(Language::TypeScript).language(),
            Self::Code(_) => Some(self.name()),
            _ => None,
        }
    }

    /// The format of a name: one that [`name`](Self::name) gives, or a usual file extension.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase();
        let known = FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        known.or_else(|| by_extension(&name))
    }

    /// The format of a file, by its name and, where that says nothing, by its text.
    #[must_use]
    pub fn detect(path: &str, text: &str) -> Self {
        let name = file_name(path).to_ascii_lowercase();
        let extension = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty()).map(|(_, extension)| extension);
        match extension.and_then(by_extension) {
            Some(Self::Code(Language::C)) if extension == Some("h") && is_cpp(text) => Self::Code(Language::Cpp),
            Some(format) => format,
            None => by_name(&name).unwrap_or_else(|| by_text(text)),
        }
    }
}

fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

fn by_extension(extension: &str) -> Option<Format> {
    Some(match extension {
        "md" | "markdown" | "mdown" | "mkd" | "mkdn" | "mdc" | "qmd" | "rmd" => Format::Markdown,
        "mdx" => Format::Mdx,
        "rst" | "rest" => Format::Rst,
        "html" | "htm" | "xhtml" => Format::Html,
        "txt" | "text" | "adoc" | "asciidoc" | "org" | "tex" | "log" | "textile" | "pod" | "wiki" => Format::Text,
        "rs" => Format::Code(Language::Rust),
        "py" | "pyi" | "pyw" => Format::Code(Language::Python),
        "js" | "mjs" | "cjs" | "jsx" => Format::Code(Language::JavaScript),
        "ts" | "mts" | "cts" => Format::Code(Language::TypeScript),
        "tsx" => Format::Code(Language::Tsx),
        "go" => Format::Code(Language::Go),
        "java" => Format::Code(Language::Java),
        "c" | "h" => Format::Code(Language::C),
        "cc" | "cpp" | "cxx" | "c++" | "hh" | "hpp" | "hxx" | "h++" | "ipp" | "inl" => Format::Code(Language::Cpp),
        other => {
            let listed = OTHER_CODE.split_ascii_whitespace().any(|known| known == other);
            return listed.then_some(Format::Code(Language::Other));
        }
    })
}

fn by_name(name: &str) -> Option<Format> {
    let stem = name.split('.').next().unwrap_or(name);
    match stem {
        "makefile" | "gnumakefile" | "dockerfile" | "containerfile" | "jenkinsfile" | "vagrantfile" | "justfile"
        | "rakefile" | "gemfile" | "procfile" | "build" | "workspace" => Some(Format::Code(Language::Other)),
        "" if name.is_empty() => None,
        "" => match name {
            ".cursorrules" | ".windsurfrules" | ".clinerules" => Some(Format::Markdown),
            _ => Some(Format::Code(Language::Other)),
        },
        _ => None,
    }
}

fn by_text(text: &str) -> Format {
    let head = text.trim_start_matches('\u{feff}').trim_start();
    let head = &head[..head.floor_char_boundary(64)];
    if head.starts_with("#!") {
        let is_python = head.lines().next().is_some_and(|line| line.contains("python"));
        return Format::Code(if is_python { Language::Python } else { Language::Other });
    }
    let lower = head.to_ascii_lowercase();
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") {
        return Format::Html;
    }
    recognise(text).map_or(Format::Text, Format::Code)
}

fn is_cpp(text: &str) -> bool {
    let signs = ["namespace ", "template <", "template<", "public:", "private:", "std::", "class "];
    text.lines().any(|line| {
        let line = line.trim_start();
        !line.starts_with("//") && !line.starts_with('*') && signs.iter().any(|sign| line.starts_with(sign))
    })
}

/// The kind of a document by its path and format: agent template, code or documentation.
#[must_use]
pub fn kind_of(path: &str, format: Format) -> &'static str {
    match format {
        Format::Markdown | Format::Mdx | Format::Text if is_agent_template(path) => kind::AGENT_TEMPLATE,
        Format::Code(_) => kind::CODE,
        _ => kind::DOCUMENTATION,
    }
}

/// Names of files that instruct an agent, wherever they are.
const TEMPLATE_NAMES: [&str; 11] = [
    "agents.md",
    "agent.md",
    "claude.md",
    "claude.local.md",
    "gemini.md",
    "skill.md",
    "copilot-instructions.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    "agents.override.md",
];
const TEMPLATE_ENDINGS: [&str; 5] = [".agent.md", ".prompt.md", ".instructions.md", ".chatmode.md", ".mdc"];
/// Tool folders, and what in them holds templates; an empty list means all of it.
const TEMPLATE_FOLDERS: [(&str, &[&str]); 12] = [
    (".claude", &["agents", "commands", "skills", "rules", "output-styles", "prompts", "templates"]),
    (".github", &["agents", "prompts", "instructions", "chatmodes", "skills"]),
    (".cursor", &["rules", "commands", "agents", "skills"]),
    (".codex", &["prompts", "skills", "agents"]),
    (".gemini", &["commands", "agents", "skills"]),
    (".opencode", &["agent", "agents", "command", "commands", "skill", "skills"]),
    (".windsurf", &["rules", "workflows"]),
    (".roo", &[]),
    (".clinerules", &[]),
    (".continue", &["rules", "prompts", "agents"]),
    (".agents", &[]),
    (".agent", &[]),
];

fn is_agent_template(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    let name = file_name(&path);
    if TEMPLATE_NAMES.contains(&name) || TEMPLATE_ENDINGS.iter().any(|ending| name.ends_with(ending)) {
        return true;
    }
    let folders: Vec<&str> = path.split('/').collect();
    let within = |at: usize, inside: &[&str]| {
        inside.is_empty() || folders[at + 1..folders.len() - 1].first().is_some_and(|next| inside.contains(next))
    };
    folders[..folders.len() - 1]
        .iter()
        .enumerate()
        .any(|(at, folder)| TEMPLATE_FOLDERS.iter().any(|(tool, inside)| tool == folder && within(at, inside)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_name_and_text() {
        let cases = [
            ("a/README.MD", "", Format::Markdown),
            ("x.mdx", "", Format::Mdx),
            ("LICENSE", "MIT", Format::Text),
            ("run", "#!/usr/bin/env python3\n", Format::Code(Language::Python)),
            ("page", " <!DOCTYPE HTML><p>", Format::Html),
            ("42", "def f(x):\n    return x\n", Format::Code(Language::Python)),
            ("notes.txt", "def f(x):\n    return x\n", Format::Text),
            ("a.h", "int f(void);", Format::Code(Language::C)),
            ("a.h", "namespace x {}", Format::Code(Language::Cpp)),
            ("Dockerfile.dev", "", Format::Code(Language::Other)),
            (".gitignore", "", Format::Code(Language::Other)),
            ("a.toml", "", Format::Code(Language::Other)),
            (".cursorrules", "", Format::Markdown),
            ("weird.%!:", "", Format::Text),
            ("", "", Format::Text),
        ];
        for (path, text, format) in cases {
            assert_eq!(Format::detect(path, text), format, "{path}");
        }
        for (name, format) in FORMATS {
            assert_eq!(Format::from_name(name), Some(format));
        }
        assert_eq!(Format::from_name("yml"), Some(Format::Code(Language::Other)));
        assert_eq!(Format::from_name("klingon"), None);
    }

    #[test]
    fn kinds_by_path() {
        let kinds = [
            (".claude/agents/reviewer.md", kind::AGENT_TEMPLATE),
            ("sub/.claude/commands/git/commit.md", kind::AGENT_TEMPLATE),
            (".claude/skills/pdf/SKILL.md", kind::AGENT_TEMPLATE),
            (".claude/skills/pdf/fill.py", kind::CODE),
            (".claude/settings.json", kind::CODE),
            (".claude/notes.md", kind::DOCUMENTATION),
            (".github/agents/x.md", kind::AGENT_TEMPLATE),
            (".github/CONTRIBUTING.md", kind::DOCUMENTATION),
            (".cursor/rules/style.mdc", kind::AGENT_TEMPLATE),
            ("AGENTS.md", kind::AGENT_TEMPLATE),
            ("pkg/CLAUDE.md", kind::AGENT_TEMPLATE),
            ("docs/agents.rst", kind::DOCUMENTATION),
            ("agents/list.md", kind::DOCUMENTATION),
            ("main.rs", kind::CODE),
        ];
        for (path, kind) in kinds {
            assert_eq!(kind_of(path, Format::detect(path, "")), kind, "{path}");
        }
    }
}
