//! Pages parsed as XML, for the tests of reports.

use roxmltree::{Document, Node, ParsingOptions};

/// Parses the page to a tree. Every browser reads well-formed XML the same way; of HTML's elements without an end only
/// `meta` and `img` are used.
#[track_caller]
pub fn tree(text: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..Default::default() };
    Document::parse_with_options(text, options).unwrap_or_else(|e| panic!("{e} in\n{text}"))
}

/// Checks that a page is well-formed and loads nothing; returns its text for [`tree`].
#[track_caller]
pub fn checked(html: &str) -> String {
    let mut text = html.to_string();
    for tag in ["<meta", "<img"] {
        let parts = text.split(tag).enumerate().map(|(n, part)| match n {
            0 => part.to_string(),
            _ => format!("{tag}{}", part.replacen('>', "/>", 1)),
        });
        text = parts.collect();
    }
    closed(&tree(&text));
    text
}

/// Asserts that the page loads nothing and runs nothing.
#[track_caller]
fn closed(html: &Document<'_>) {
    assert_eq!(html.root_element().tag_name().name(), "html");
    for element in html.descendants().filter(Node::is_element) {
        let name = element.tag_name().name();
        let foreign = ["script", "link", "iframe", "object", "embed", "use", "image", "base", "form"];
        assert!(!foreign.contains(&name), "{element:?}");
        for attribute in element.attributes() {
            assert!(!attribute.name().starts_with("on"), "{attribute:?}");
            if (name, attribute.name()) == ("img", "src") {
                // Pictures are embedded in the page, and each has an alternative text.
                assert!(attribute.value().starts_with("data:image/png;base64,"), "{attribute:?}");
                assert!(element.attribute("alt").is_some_and(|alt| !alt.is_empty()), "{element:?}");
                continue;
            }
            let loads = ["src", "srcset", "href", "action", "data", "style"].contains(&attribute.name());
            assert!(!loads || attribute.value().starts_with('#'), "{attribute:?}");
        }
        let style = if name == "style" { text(&element) } else { String::new() };
        assert!(!style.contains("url(") && !style.contains("@import"), "{style}");
    }
}

/// Returns all text in an element.
fn text(node: &Node<'_, '_>) -> String {
    node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect()
}

/// Returns the texts of the elements whose tags, from the outer to the inner, end with `path`; a tag may carry a class.
pub fn texts(html: &Document<'_>, path: &str) -> Vec<String> {
    let fits = |node: Option<Node<'_, '_>>, step: &str| {
        let (tag, class) = step.split_once('.').map_or((step, None), |(tag, class)| (tag, Some(class)));
        node.is_some_and(|node| {
            node.tag_name().name() == tag && class.is_none_or(|class| node.attribute("class") == Some(class))
        })
    };
    let found = html.descendants().filter(Node::is_element).filter(|node| {
        let mut above = node.ancestors();
        path.split(' ').rev().all(|step| fits(above.next(), step))
    });
    found.map(|node| text(&node)).collect()
}

/// Returns the numbers in the page's `data` elements.
pub fn values(html: &Document<'_>) -> Vec<f64> {
    let data = html.descendants().filter(|node| node.tag_name().name() == "data");
    data.filter_map(|node| node.attribute("value")?.parse().ok()).collect()
}
