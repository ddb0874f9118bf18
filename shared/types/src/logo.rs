//! A logo is an SVG that someone sent. It is taken apart, and what may be drawn is written anew by `usvg`: what a browser
//! gets is that, never what was sent.
//!
//! First the document is held against a closed list of elements and attributes, so that `usvg` is never given what
//! fetches (images, `use`, style sheets, references to other documents), runs (scripts, events, animation), or can be
//! made to take long: clip paths within clip paths double with each level, dashes are cut one by one, text needs fonts.

use roxmltree::{Attribute, Document, Node, ParsingOptions};
use usvg::{Indent, Options, Tree, WriteOptions};

use crate::words::excerpt;

/// Of an SVG, as it is sent and as it is kept, in bytes.
pub(crate) const LOGO_BYTES_MAX: usize = 32 * 1024;
/// Elements and texts. With so many, what a shape and a gradient may come to together stays small.
const NODES_MAX: u32 = 500;
/// Elements within one another.
const DEPTH_MAX: usize = 32;

const SVG: &str = "http://www.w3.org/2000/svg";
const XLINK: &str = "http://www.w3.org/1999/xlink";
const XML: &str = "http://www.w3.org/XML/1998/namespace";

const ELEMENTS: &[&str] = &[
    "circle",
    "clipPath",
    "defs",
    "desc",
    "ellipse",
    "g",
    "line",
    "linearGradient",
    "path",
    "polygon",
    "polyline",
    "radialGradient",
    "rect",
    "stop",
    "svg",
    "title",
];

/// How things look, as attributes or within `style`.
const PROPERTIES: &[&str] = &[
    "clip-path",
    "clip-rule",
    "color",
    "display",
    "fill",
    "fill-opacity",
    "fill-rule",
    "opacity",
    "overflow",
    "paint-order",
    "shape-rendering",
    "stop-color",
    "stop-opacity",
    "stroke",
    "stroke-linecap",
    "stroke-linejoin",
    "stroke-miterlimit",
    "stroke-opacity",
    "stroke-width",
    "visibility",
];

const ATTRIBUTES: &[&str] = &[
    "aria-hidden",
    "aria-label",
    "baseProfile",
    "class",
    "clipPathUnits",
    "cx",
    "cy",
    "d",
    "focusable",
    "fr",
    "fx",
    "fy",
    "gradientTransform",
    "gradientUnits",
    "height",
    "id",
    "offset",
    "points",
    "preserveAspectRatio",
    "r",
    "role",
    "rx",
    "ry",
    "spreadMethod",
    "style",
    "transform",
    "version",
    "viewBox",
    "width",
    "x",
    "x1",
    "x2",
    "y",
    "y1",
    "y2",
];

/// Why an SVG is not taken as a logo. What is quoted is shortened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnsafeLogo {
    #[error("the logo has {found} bytes: at most {LOGO_BYTES_MAX} are taken")]
    TooLong { found: usize },
    /// As the parser says it; a DOCTYPE is one of the reasons, and so are too many nodes.
    #[error("the logo is no XML that is taken: {0}")]
    NotXml(String),
    #[error("the logo's root is <{0}>: it must be <svg xmlns=\"{SVG}\">")]
    NotSvg(String),
    #[error("the logo has more than {DEPTH_MAX} elements within one another, at {position}")]
    TooDeep { position: String },
    #[error("the logo has <{name}> at {position}: only shapes, groups, gradients and clip paths are taken")]
    Element { name: String, position: String },
    #[error("the logo has a processing instruction at {position}: remove it")]
    Instruction { position: String },
    #[error("the logo has the attribute `{name}` at {position}: it is not one of those that are taken")]
    Attribute { name: String, position: String },
    #[error(
        "the logo has {name}=\"{value}\" at {position}: only `url(#…)` and, on gradients, `#…` may refer to anything"
    )]
    Reference { name: String, value: String, position: String },
    #[error(
        "the logo's style \"{value}\" at {position} is more than `name: value` pairs of how a shape looks"
    )]
    Style { value: String, position: String },
    #[error("the logo has a clip path within a clip path at {position}: make it one")]
    NestedClipPath { position: String },
    /// Nothing can be drawn of it.
    #[error("the logo cannot be drawn: {0}")]
    NotDrawable(String),
    /// Written anew, which may be longer than what was sent.
    #[error(
        "the logo, written anew, has {found} bytes: at most {LOGO_BYTES_MAX} are taken, so make it simpler"
    )]
    GrowsTooLong { found: usize },
}

/// The SVG, written anew, with nothing in it but shapes, clip paths and gradients.
///
/// # Errors
/// What it must not have in it, and where.
pub fn clean_logo(svg: &str) -> Result<String, UnsafeLogo> {
    if svg.len() > LOGO_BYTES_MAX {
        return Err(UnsafeLogo::TooLong { found: svg.len() });
    }
    let svg = svg.strip_prefix('\u{feff}').unwrap_or(svg);
    let options = ParsingOptions { allow_dtd: false, nodes_limit: NODES_MAX, entity_resolver: None };
    let document = Document::parse_with_options(svg, options)
        .map_err(|error| UnsafeLogo::NotXml(excerpt(&error.to_string())))?;
    let root = document.root_element();
    if !root.has_tag_name((SVG, "svg")) {
        return Err(UnsafeLogo::NotSvg(excerpt(root.tag_name().name())));
    }
    for node in document.root().children() {
        check(node, &Around { depth: 1, in_clip_path: false })?;
    }
    let tree = Tree::from_xmltree(&document, &Options::default())
        .map_err(|error| UnsafeLogo::NotDrawable(excerpt(&error.to_string())))?;
    let written = tree.to_string(&WriteOptions {
        indent: Indent::None,
        attributes_indent: Indent::None,
        ..WriteOptions::default()
    });
    // `usvg` writes a size alone, with which a browser would crop it where it is shown smaller.
    let (width, height) = (tree.size().width(), tree.size().height());
    let written = written.replacen("<svg ", &format!("<svg viewBox=\"0 0 {width} {height}\" "), 1);
    if written.len() > LOGO_BYTES_MAX {
        return Err(UnsafeLogo::GrowsTooLong { found: written.len() });
    }
    Ok(written)
}

struct Around {
    depth: usize,
    in_clip_path: bool,
}

fn check(node: Node<'_, '_>, around: &Around) -> Result<(), UnsafeLogo> {
    let position = || node.document().text_pos_at(node.range().start).to_string();
    if node.is_pi() {
        return Err(UnsafeLogo::Instruction { position: position() });
    }
    if !node.is_element() {
        return Ok(());
    }
    if around.depth > DEPTH_MAX {
        return Err(UnsafeLogo::TooDeep { position: position() });
    }
    let tag = node.tag_name();
    let nested_svg = tag.name() == "svg" && around.depth > 1;
    if tag.namespace() != Some(SVG) || !ELEMENTS.contains(&tag.name()) || nested_svg {
        return Err(UnsafeLogo::Element { name: excerpt(tag.name()), position: position() });
    }
    for attribute in node.attributes() {
        check_attribute(node, &attribute, around)?;
    }
    let inside =
        Around { depth: around.depth + 1, in_clip_path: around.in_clip_path || tag.name() == "clipPath" };
    node.children().try_for_each(|child| check(child, &inside))
}

fn check_attribute(
    node: Node<'_, '_>,
    attribute: &Attribute<'_, '_>,
    around: &Around,
) -> Result<(), UnsafeLogo> {
    let (name, value) = (attribute.name(), attribute.value());
    let position = || node.document().text_pos_at(attribute.range().start).to_string();
    let refers_elsewhere =
        || UnsafeLogo::Reference { name: excerpt(name), value: excerpt(value), position: position() };
    match attribute.namespace() {
        None | Some(XLINK) if name == "href" => {
            let is_gradient = node.tag_name().name().ends_with("Gradient");
            return if is_gradient && value.starts_with('#') { Ok(()) } else { Err(refers_elsewhere()) };
        }
        Some(XML) if name == "space" => return Ok(()),
        None if ATTRIBUTES.contains(&name) || PROPERTIES.contains(&name) => {}
        _ => return Err(UnsafeLogo::Attribute { name: excerpt(name), position: position() }),
    }
    if !refers_to_itself(value) {
        return Err(refers_elsewhere());
    }
    let mut clips = name == "clip-path";
    if name == "style" {
        let not_taken = || UnsafeLogo::Style { value: excerpt(value), position: position() };
        clips |= style_properties(value).ok_or_else(not_taken)?.any(|property| property == "clip-path");
    }
    let clip_path = around.in_clip_path || node.tag_name().name() == "clipPath";
    if clips && clip_path {
        return Err(UnsafeLogo::NestedClipPath { position: position() });
    }
    Ok(())
}

/// Whether each `url(` in it is one of the same document.
fn refers_to_itself(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.split("url(").skip(1).all(|target| target.trim_start_matches(['"', '\'', ' ']).starts_with('#'))
}

/// The names of `name: value; …`, all of which are known, written without anything that CSS could read otherwise.
fn style_properties(style: &str) -> Option<impl Iterator<Item = &str>> {
    let names = || style.split(';').filter(|part| !part.trim().is_empty()).map(|part| part.split(':').next());
    let is_plain = !style.contains(['\\', '/', '@', '{', '}', '<', '"', '\'', '!']);
    let are_known = names().all(|name| name.is_some_and(|name| PROPERTIES.contains(&name.trim())));
    (is_plain && are_known).then(|| names().flatten().map(str::trim))
}

#[cfg(test)]
#[path = "logo_tests.rs"]
mod tests;
