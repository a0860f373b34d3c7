//! Nothing readable is lost: sources are generated from words that occur once each, in every structure of
//! their format, and every word must be found again, in the order of the source.

use coditect_ingest::split::{Format, SplitDocument, SplitOptions};
use proptest::prelude::*;

use crate::invariants::checked;

/// Structures of a format; `@` stands for a word of its own.
const MARKDOWN: [&str; 26] = [
    "# @ @\n\n",
    "## @\n",
    "@\n=====\n\n",
    "@ @ @. @ @.\n\n",
    "@ **@** *@* `@` ~~@~~ [@](http://x.y \"z\") ![@](i.png)\n\n",
    "- @\n- @ @\n  - @\n    @\n\n",
    "1. @\n\n   @\n\n   ```\n   @ @\n   ```\n2. @\n\n",
    "> @\n> @\n>\n> > @\n\n",
    "```python\n@\n# @\n\n@\n```\n\n",
    "~~~\n@\n```\n@\n~~~\n\n",
    "    @ @\n\n",
    "| @ | @ |\n|---|:-:|\n| @ | `@` |\n| @ | [@](u) |\n\n",
    "<div align=\"center\">\n<b>@</b> @<br/>@\n</div>\n\n",
    "<details>\n<summary>@</summary>\n\n@ @\n\n</details>\n\n",
    "<table><tr><td>@</td><td>@</td></tr></table>\n\n",
    "@ <kbd>@</kbd> <span title=\"@\">@</span> <!-- no --> @\n\n",
    "Call `@` with <@> then @\\\n@\n\n",
    "@[^n]\n\n[^n]: @ @\n\n",
    "- [ ] @\n- [x] @\n\n",
    "\\*@\\* &amp; @ &lt;@&gt;\n\n",
    "***\n\n@\n\n",
    "### @ {#anchor}\n\n@\n\n",
    "@\n@  \n@\n\n",
    "!!! note \"@\"\n    @ @\n\n    - @\n\n@\n\n",
    "=== \"@\"\n\n    ```sh\n    @\n    ```\n\n=== \"@\"\n    @\n\n",
    "<p>@ @",
];

const MDX: [&str; 17] = [
    "# @\n\n",
    "## @ <Badge>@</Badge>\n\n",
    "@ @ @\n\n",
    "<Tabs>\n  <Tab title=\"@\">\n    @ **@**\n\n    ```js @.js\n    @ {\n    }\n    ```\n  </Tab>\n  <Tab title='@'>@</Tab>\n</Tabs>\n\n",
    "<Note>\n  @ [@](x)\n  @\n</Note>\n\n",
    "<Card\n  title=\"@ @\"\n  icon=\"home\"\n  href={`/x`}\n>\n  @\n</Card>\n\n",
    "- @\n- <Tooltip tip=\"@\">@</Tooltip> @\n\n",
    "1. @\n   <Warning>@</Warning>\n2. @\n\n",
    "| @ | @ |\n| --- | --- |\n| <b>@</b> | @<br/>@ |\n\n",
    "<div class=\"x\"><span>@</span><p>@</p> <ul><li>@</li></ul></div>\n\n",
    "{/* no */}\n\n@{\" \"}@\n\n",
    "```ts\nimport @ from \"@\";\n<@ @={1}>\n```\n\n",
    "<Steps>\n<Step title=\"@\">\n@\n</Step>\n</Steps>\n\n",
    "@ `<@>` @ \\<@>\n\n",
    "<Frame>\n  <img src=\"a.png\" alt=\"@\" />\n</Frame>\n\n",
    "> @\n> <b>@</b>\n\n",
    "<h3>@</h3>\n\n@\n\n",
];

const RST: [&str; 24] = [
    "======\n@ @@@\n======\n\n",
    "@@@ @@@\n-------------------------\n\n",
    "@ @ **@** *@* ``@`` `@ <http://x>`_ :ref:`@ <x>` :func:`@`\n@\n\n",
    "* @\n* @\n\n  @\n\n  * @\n\n",
    "1. @\n2. @ @\n   @\n\n#) @\n\n",
    "@::\n\n    @ @\n\n      @\n\n@\n\n",
    "::\n\n    @\n\n",
    ".. code-block:: c\n   :linenos:\n\n   @\n   @\n\n",
    ".. note:: @\n   @\n\n   @\n\n",
    ".. warning::\n\n   @ @\n\n   - @\n\n",
    ".. admonition:: @\n   :class: x\n\n   @\n\n",
    ".. function:: @(@)\n\n   @ @\n\n   :param @: @\n   :returns: @\n\n@\n\n",
    ".. method:: @()\n            @()\n\n   @\n\n",
    ":@: @\n    @\n\n",
    "@\n   @ @\n   @\n\n",
    "+-----+-----+\n| @   | @   |\n+=====+=====+\n| @   | @ @ |\n|     | @   |\n+-----+-----+\n\n",
    "=====  =====\n@      @\n=====  =====\n@      @ @\n       @\n@      @\n=====  =====\n\n",
    "| @\n| @ @\n\n",
    ".. figure:: x.png\n   :alt: @\n\n   @\n\n",
    ">>> @\n@\n\n",
    ".. [1] @ @\n\n",
    ".. versionadded:: 1.0\n   @\n\n",
    "    @ @\n    @\n\n",
    ".. list-table:: @\n   :header-rows: 1\n\n   * - @\n     - @\n   * - @\n     - @\n\n",
];

const HTML: [&str; 16] = [
    "<h1>@ @</h1>",
    "<h2 id=\"x\">@</h2>\n",
    "<p>@ <b>@</b>\n@ &amp; @</p>",
    "<ul><li>@<li>@ <ul><li>@</li></ul></ul>",
    "<pre><code>@\n  @ &lt;@&gt;</code></pre>",
    "<table><thead><tr><th>@</th><th>@</th></tr></thead><tr><td>@<td>@ @</tr></table>",
    "<script>var no = \"no\";</script>@ ",
    "<div>@<div>@</div>@</div>",
    "<style>p { no: no }</style><p>@",
    "<img src=x alt=\"@\"> @<br>@ ",
    "<dl><dt>@</dt><dd>@</dd></dl>",
    "<!-- no --><span title='@'>@</span> ",
    "<section><header>@</header><footer>@</footer></section>",
    "<select><option>@</option></select><button>@</button> ",
    "<table><tr><td><h3>@</h3><p>@</p></td></tr></table>",
    "<blockquote>@ <a href=\"u\">@</a></blockquote>",
];

/// Every `@` becomes a word that occurs nowhere else.
fn with_words(pieces: &[&str]) -> (String, Vec<String>) {
    let mut source = String::new();
    let mut words = Vec::new();
    for piece in pieces {
        for (index, part) in piece.split('@').enumerate() {
            if index > 0 {
                let word = format!("w{}q", words.len() + 100);
                source.push_str(&word);
                words.push(word);
            }
            source.push_str(part);
        }
    }
    (source, words)
}

fn missing<'w>(document: &SplitDocument, words: &'w [String]) -> Vec<&'w String> {
    let mut found = document.title.clone().unwrap_or_default();
    for passage in &document.passages {
        found.push_str(&passage.heading_path.join(" "));
        found.push_str(&passage.index_text);
    }
    words.iter().filter(|word| !found.contains(word.as_str())).collect()
}

fn all_words_are_found(pieces: &[&str], format: Format) {
    let (source, words) = with_words(pieces);
    let small = SplitOptions { max_tokens: 80, target_tokens: 40, ..SplitOptions::default() };
    for options in [SplitOptions::default(), small] {
        let document = checked(&source, format, &options);
        assert_eq!(missing(&document, &words), Vec::<&String>::new(), "{format:?} lost words of\n{source}");
    }
}

#[test]
fn every_structure_alone_keeps_its_words() {
    for (pieces, format) in
        [(&MARKDOWN[..], Format::Markdown), (&MDX, Format::Mdx), (&RST, Format::Rst), (&HTML, Format::Html)]
    {
        for piece in pieces {
            all_words_are_found(&[piece], format);
        }
    }
}

fn some(pieces: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(pieces), 1..30)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 120, ..ProptestConfig::default() })]

    #[test]
    fn markdown_loses_no_word(pieces in some(&MARKDOWN)) {
        all_words_are_found(&pieces, Format::Markdown);
    }

    #[test]
    fn mdx_loses_no_word(pieces in some(&MDX)) {
        all_words_are_found(&pieces, Format::Mdx);
    }

    #[test]
    fn restructured_text_loses_no_word(pieces in some(&RST)) {
        all_words_are_found(&pieces, Format::Rst);
    }

    #[test]
    fn html_loses_no_word(pieces in some(&HTML)) {
        all_words_are_found(&pieces, Format::Html);
    }
}
