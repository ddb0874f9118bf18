use proptest::prelude::*;

use super::*;

fn svg(inside: &str) -> String {
    format!(r#"<svg xmlns="{SVG}" xmlns:xlink="{XLINK}" viewBox="0 0 64 64">{inside}</svg>"#)
}

fn cleaned(inside: &str) -> String {
    let clean = clean_logo(&svg(inside)).unwrap_or_else(|error| panic!("{inside}: {error}"));
    assert!(is_harmless(&clean), "{clean}");
    assert!(clean_logo(&clean).is_ok(), "what is written can be read again: {clean}");
    clean
}

fn refused(inside: &str) -> UnsafeLogo {
    clean_logo(&svg(inside)).expect_err(inside)
}

/// By a look that has nothing to do with the lists of the code: the elements and references that are there.
fn is_harmless(svg: &str) -> bool {
    let document = Document::parse(svg).expect("XML");
    document.descendants().all(|node| {
        let drawn = ["svg", "defs", "g", "path", "clipPath", "linearGradient", "radialGradient", "stop"];
        let is_drawn = !node.is_element() || drawn.contains(&node.tag_name().name());
        is_drawn
            && !node.is_pi()
            && node.attributes().all(|attribute| {
                let (name, value) = (attribute.name(), attribute.value());
                let local = !value.contains("url(") || value.starts_with("url(#");
                local && !name.starts_with("on") && name != "style" && !value.contains("script")
            })
    })
}

#[test]
fn what_is_drawn_is_written_anew() {
    let clean = cleaned(
        r##"<title>A logo</title><desc>Drawn for a test</desc>
        <defs><linearGradient id="a"><stop offset="0" stop-color="#fff"/><stop offset="1" style="stop-color: #0a0; stop-opacity: .5"/></linearGradient>
        <radialGradient id="b" xlink:href="#a" cx="32" cy="32" r="32" gradientUnits="userSpaceOnUse"/>
        <clipPath id="c"><rect width="60" height="60"/></clipPath></defs>
        <g clip-path="url(#c)" transform="rotate(3)"><circle cx="32" cy="32" r="20" fill="url(#a)" stroke="url('#b')"/></g>
        <polygon points="1,1 9,1 9,9" class="x"/><ellipse cx="3" cy="3" rx="2" ry="1"/><line x2="9" y2="9" stroke="red"/>
        <polyline points="1,1 2,2"/><path d="M1 1h9v9z" fill-rule="evenodd"/>"##,
    );
    assert!(clean.starts_with(r#"<svg viewBox="0 0 64 64" width="64" height="64""#), "{clean}");
    for said in ["<path", "linearGradient", "radialGradient", "clipPath"] {
        assert!(clean.contains(said), "{said} in {clean}");
    }
    for gone in ["A logo", "Drawn for", "class", "circle", "xlink:href"] {
        assert!(!clean.contains(gone), "{gone} in {clean}");
    }
}

#[test]
fn a_byte_order_mark_and_comments_are_nothing() {
    let marked = format!(
        "\u{feff}<?xml version=\"1.0\"?><!-- x -->{}",
        svg("<!-- <script/> --><rect width='1' height='1'/>")
    );
    let clean = clean_logo(&marked).expect("an SVG");
    assert!(!clean.contains("script"));
}

#[test]
fn what_runs_or_fetches_is_refused() {
    for hostile in [
        "<script>alert(1)</script>",
        "<script href='https://example.com/x.js'/>",
        "<foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload='alert(1)'/></foreignObject>",
        "<image href='https://example.com/x.png'/>",
        "<image href='data:image/svg+xml;base64,PHN2Zy8+'/>",
        "<use href='#a'/>",
        "<use xlink:href='https://example.com/x.svg#a'/>",
        "<style>@import url('https://example.com/x.css')</style>",
        "<a href='javascript:alert(1)'><rect width='9' height='9'/></a>",
        "<animate attributeName='href' to='javascript:alert(1)'/>",
        "<set attributeName='onload' to='alert(1)'/>",
        "<filter id='f'><feImage href='https://example.com/x'/></filter>",
        "<mask id='m'/>",
        "<pattern id='p'/>",
        "<marker id='m'/>",
        "<text>hello</text>",
        "<symbol id='s'/>",
        "<switch/>",
        "<iframe/>",
        "<svg/>",
        "<x:rect xmlns:x='urn:x'/>",
        "<html xmlns='http://www.w3.org/1999/xhtml'/>",
        "<SCRIPT/>",
        "<g><g><script/></g></g>",
    ] {
        assert!(matches!(refused(hostile), UnsafeLogo::Element { .. }), "{hostile}");
    }
    for hostile in [
        "<rect onload='alert(1)'/>",
        "<g onclick='alert(1)'/>",
        "<rect ONLOAD='alert(1)'/>",
        "<rect filter='url(#f)'/>",
        "<rect mask='url(#f)'/>",
        "<rect stroke-dasharray='0.0001'/>",
        "<rect x:href='#a' xmlns:x='urn:x'/>",
        "<rect xml:base='https://example.com/'/>",
        "<rect xlink:actuate='onLoad'/>",
        "<rect font-family='url(#x)'/>",
    ] {
        assert!(matches!(refused(hostile), UnsafeLogo::Attribute { .. }), "{hostile}");
    }
    for hostile in [
        "<rect fill='url(https://example.com/x.svg#a)'/>",
        "<rect fill='URL( \"https://example.com/#a\" )'/>",
        "<rect fill='red url(#a) url(//example.com)'/>",
        "<rect style='fill: url(file:///etc/passwd)'/>",
        "<rect href='#a'/>",
        "<linearGradient href='https://example.com/x.svg#a'/>",
        "<linearGradient xlink:href='javascript:alert(1)'/>",
        "<linearGradient xlink:href=' #a'/>",
    ] {
        assert!(matches!(refused(hostile), UnsafeLogo::Reference { .. }), "{hostile}");
    }
    for hostile in [
        "<rect style='behavior: x'/>",
        "<rect style='fill: red; -moz-binding: x'/>",
        "<rect style='fill:\\75rl(x)'/>",
        "<rect style='/**/fill: red'/>",
        "<rect style='@import x'/>",
        "<rect style='filter: url(#f)'/>",
    ] {
        assert!(matches!(refused(hostile), UnsafeLogo::Style { .. }), "{hostile}");
    }
    assert!(matches!(refused("<?xml-stylesheet href='x.css'?>"), UnsafeLogo::Instruction { .. }));
    let before = format!("<?xml-stylesheet href='https://example.com/x.css'?>{}", svg(""));
    assert!(matches!(clean_logo(&before), Err(UnsafeLogo::Instruction { .. })));
}

#[test]
fn entities_and_what_is_no_svg_are_refused() {
    let laughs = format!(
        "<!DOCTYPE svg [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;&b;\">]>{}",
        svg("<title>&c;</title>")
    );
    let external =
        format!("<!DOCTYPE svg [<!ENTITY a SYSTEM \"file:///etc/passwd\">]>{}", svg("<title>&a;</title>"));
    let plain = format!("<!DOCTYPE svg>{}", svg(""));
    for hostile in [laughs.as_str(), &external, &plain, "", "{}", "<svg", &svg("&undefined;"), "\u{1f}\u{8b}"]
    {
        assert!(matches!(clean_logo(hostile), Err(UnsafeLogo::NotXml(_))), "{hostile}");
    }
    for other in ["<svg/>", "<html/>", "<svg xmlns='urn:x'/>"] {
        assert!(matches!(clean_logo(other), Err(UnsafeLogo::NotSvg(_))), "{other}");
    }
    let nothing = format!("<svg xmlns='{SVG}' width='0' height='0'><rect width='1' height='1'/></svg>");
    assert!(matches!(clean_logo(&nothing), Err(UnsafeLogo::NotDrawable(_))));
}

#[test]
fn what_would_take_long_is_refused() {
    // Each level clips twice by the next one, which has the shape's own size and so is made anew each time.
    let doubling: String = (0..30)
        .map(|i| {
            let next = i + 1;
            let shape = format!("<rect clip-path='url(#c{next})' width='1' height='1'/>");
            format!("<clipPath id='c{i}' clipPathUnits='objectBoundingBox'>{shape}{shape}</clipPath>")
        })
        .collect();
    let drawn = "<rect clip-path='url(#c0)' width='9' height='9'/>";
    assert!(matches!(refused(&format!("{doubling}{drawn}")), UnsafeLogo::NestedClipPath { .. }));
    assert!(matches!(
        refused("<clipPath id='a' clip-path='url(#a)'><rect width='1' height='1'/></clipPath>"),
        UnsafeLogo::NestedClipPath { .. }
    ));
    assert!(matches!(
        refused("<clipPath id='a'><rect style='fill: red; clip-path: url(#a)'/></clipPath>"),
        UnsafeLogo::NestedClipPath { .. }
    ));
    let deep = format!("{}{}", "<g>".repeat(DEPTH_MAX), "</g>".repeat(DEPTH_MAX));
    assert!(matches!(refused(&deep), UnsafeLogo::TooDeep { .. }));
    assert!(matches!(refused(&"<g/>".repeat(1000)), UnsafeLogo::NotXml(_)));
    assert!(matches!(refused(&" ".repeat(LOGO_BYTES_MAX)), UnsafeLogo::TooLong { .. }));
    // Each of many shapes gets a gradient of its own, with all its stops.
    let stops = "<stop offset='0'/>".repeat(200);
    let shapes = "<rect width='9' height='9' fill='url(#a)'/>".repeat(200);
    let many = format!("<linearGradient id='a'>{stops}</linearGradient>{shapes}");
    match clean_logo(&svg(&many)) {
        Ok(clean) => assert!(clean.len() <= LOGO_BYTES_MAX),
        Err(error) => assert!(matches!(error, UnsafeLogo::GrowsTooLong { .. }), "{error}"),
    }
}

#[test]
fn references_that_go_round_or_nowhere_end() {
    cleaned(
        "<linearGradient id='a' xlink:href='#b'/><linearGradient id='b' xlink:href='#a'/><rect width='9' height='9' fill='url(#a)'/>",
    );
    cleaned(
        "<linearGradient id='a' href='#a'/><rect width='9' height='9' stroke='url(#a)'/><rect width='9' height='9'/>",
    );
    cleaned(
        "<rect width='9' height='9' fill='url(#none)' clip-path='url(#none)'/><rect width='9' height='9'/>",
    );
}

#[test]
fn a_refusal_says_where_and_is_short() {
    let long = "x".repeat(10_000);
    let refusal = refused(&format!("\n<rect {long}='1'/>")).to_string();
    assert!(refusal.contains("2:7") && refusal.len() < 400, "{refusal}");
}

proptest! {
    #![proptest_config(crate::tests::quick())]

    #[test]
    fn whatever_is_taken_is_harmless(
        elements in prop::collection::vec(
            (
                prop::sample::select(vec![
                    "g", "rect", "path", "circle", "clipPath", "linearGradient", "stop", "polyline", "script", "use", "defs",
                ]),
                prop::collection::vec(
                    (
                        prop::sample::select(vec![
                            "d", "points", "fill", "stroke", "stroke-width", "width", "height", "transform", "id", "href",
                            "clip-path", "style", "offset", "r", "viewBox", "onload", "gradientTransform", "opacity",
                        ]),
                        prop::sample::select(vec![
                            "1", "-1e30", "1e-30", "url(#a)", "#a", "a", "M0 0L1e9 1e9A1 1 0 0 1 2 2z", "0,0 1,1", "NaN", "",
                            "rotate(1e9)", "matrix(0 0 0 0 0 0)", "scale(1e-20)", "fill: url(#a)", "red", "99999999999999999999",
                            "50%", "1e39px", "none", "inherit", "currentColor",
                        ]),
                    ),
                    0..5,
                ),
            ),
            0..8,
        ),
        nest: bool,
    ) {
        let mut inside = String::new();
        for (name, attributes) in &elements {
            let mut names = std::collections::BTreeSet::new();
            let attributes: String = attributes
                .iter()
                .filter(|(name, _)| names.insert(name))
                .map(|(name, value)| format!(" {name}=\"{value}\""))
                .collect();
            inside = if nest { format!("<{name}{attributes}>{inside}</{name}>") } else { format!("{inside}<{name}{attributes}/>") };
        }
        if let Ok(clean) = clean_logo(&svg(&inside)) {
            prop_assert!(is_harmless(&clean), "{} became {}", inside, clean);
        }
    }

    #[test]
    fn no_text_makes_it_panic(text in "[<>/a-z=\"'#&;! \\PC]{0,60}") {
        let _ = clean_logo(&text);
        let _ = clean_logo(&svg(&text));
    }
}
