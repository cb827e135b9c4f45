use proptest::prelude::*;
use rstest::rstest;

use super::*;

#[rstest]
#[case::script("a<script>alert(1)</script>b", "ab")]
#[case::handler(r#"<b onclick="x()">a</b>"#, "<b>a</b>")]
#[case::title("<title>Mail</title>a", "a")]
#[case::javascript(r#"<a href="javascript:x()">a</a>"#, r#"<a target="_blank" rel="noopener noreferrer">a</a>"#)]
#[case::data_link(r#"<a href="data:text/html,x">a</a>"#, r#"<a rel="noopener noreferrer" target="_blank">a</a>"#)]
#[case::relative_picture(r#"<img src="//track.example/p.gif">"#, "<img>")]
#[case::svg_picture(r#"<img src="data:image/svg+xml;base64,AAAA">"#, "<img>")]
#[case::picture(r#"<img src="data:image/png;base64,AAAA">"#, r#"<img src="data:image/png;base64,AAAA">"#)]
#[case::cid(r#"<img src="cid:a@b">"#, r#"<img src="cid:a@b">"#)]
#[case::form(r#"<form action="https://evil.example"><input name="password">a</form>"#, "a")]
#[case::style_url(r#"<td style="background:url(https://t.example/p.gif)">"#, "")]
#[case::style(r#"<p style="color:red;position:fixed;background:#fff">a</p>"#, r#"<p style="color:red;background-color:#fff">a</p>"#)]
#[case::office("<!--[if mso]><table><![endif]--><o:p>a</o:p>", "a")]
#[case::own_marker(r#"<img data-remote-src="https://t.example/p.gif">"#, "<img>")]
#[case::svg("<svg><style><img src=x onerror=alert(1)></style></svg>", "")]
fn sanitises(#[case] html: &str, #[case] expected: &str) {
    assert_eq!(sanitise(html), expected);
}

#[test]
fn links_open_apart() {
    let html = sanitise(r#"<a href="https://shop.example/?a=1&amp;b=2" target="_top">a</a>"#);
    assert_eq!(html, r#"<a href="https://shop.example/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer">a</a>"#);
}

#[test]
fn tables_keep_their_looks() {
    let html = r##"<table width="600" cellpadding="0" bgcolor="#eeeeee"><tbody><tr><td align="center" style="padding:4px">a</td></tr></tbody></table>"##;
    let clean = sanitise(html);
    for part in [r#"width="600""#, r#"cellpadding="0""#, r##"bgcolor="#eeeeee""##, r#"align="center""#, "padding:4px"] {
        assert!(clean.contains(part), "{part} in {clean}");
    }
}

#[test]
fn remote_pictures_wait_to_be_asked_for() {
    let clean = sanitise(r#"<p>src="x"</p><IMG alt="a" SRC=" HTTPS://t.example/p.gif?a&amp;b ">"#);
    assert!(!clean.contains(" src=\""), "{clean}");
    assert!(has_remote(&clean));
    let shown = show_remote(&clean, |address| Some(format!("/picture?url={address}")));
    assert!(shown.contains(r#" src="/picture?url=HTTPS://t.example/p.gif?a&amp;b""#), "{shown}");
    assert_eq!(show_remote(&clean, |_| None), clean);
    assert!(!has_remote(&shown));
    assert!(!has_remote(r#"<img src="cid:a"> data-remote-src="b""#));
}

#[test]
fn pictures_in_the_letter_are_found_again() {
    let clean = sanitise(r#"<img src="cid:logo&amp;1@x"><img src="cid:other">"#);
    let html = replace_cids(&clean, |id| (id == "logo&1@x").then(|| "/files/1?a=\"2\"&b".to_owned()));
    assert_eq!(html, r#"<img src="/files/1?a=&quot;2&quot;&amp;b"><img src="cid:other">"#);
}

#[rstest]
#[case("<p>One</p><p>Two<br>Three</p>", "One\n\nTwo\nThree")]
#[case("<div>One</div><div><br></div><div>Two</div>", "One\n\nTwo")]
#[case("a   b\n c&nbsp;&amp;&lt;d&gt; &euro;", "a b c &<d> €")]
#[case("<ul><li>One</li><li>Two<ol><li>a<li>b</ol></li></ul>", "- One\n- Two\n  1. a\n  2. b")]
#[case(r#"See <a href="https://shop.example/x">our page</a>."#, "See our page <https://shop.example/x>.")]
#[case(r#"<a href="https://shop.example/">shop.example</a>"#, "shop.example")]
#[case(r#"<a href="mailto:a@b.it">a@b.it</a>"#, "a@b.it")]
#[case("Hi<blockquote>One<br>Two<blockquote>Three</blockquote></blockquote>Bye", "Hi\n\n> One\n> Two\n>\n>> Three\n\nBye")]
#[case("<pre>a  b\n  c</pre>", "a  b\n  c")]
#[case("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc")]
#[case("a<hr>b", "a\n________________________________\nb")]
#[case(r#"<img alt="Logo" src="https://x.example/a.png">a"#, "[Logo]a")]
#[case("<style>p{}</style><script>x</script><title>t</title>a", "a")]
#[case("", "")]
fn reads_as_text(#[case] html: &str, #[case] expected: &str) {
    assert_eq!(to_text(html), expected);
}

#[rstest]
#[case("One\nTwo\n\n\nThree <b>", "<p>One<br>\nTwo</p>\n<p>Three &lt;b&gt;</p>")]
#[case("", "")]
#[case("a & 'b'", "<p>a &amp; &#39;b&#39;</p>")]
fn text_becomes_paragraphs(#[case] text: &str, #[case] expected: &str) {
    assert_eq!(from_text(text), expected);
}

#[rstest]
#[case("See https://shop.example/a?b=1&c=2.", "https://shop.example/a?b=1&amp;c=2", "https://shop.example/a?b=1&amp;c=2")]
#[case("(http://shop.example/a_(b))", "http://shop.example/a_(b)", "http://shop.example/a_(b)")]
#[case("<https://shop.example>", "https://shop.example", "https://shop.example")]
#[case("write to anna.verdi@shop.example!", "mailto:anna.verdi@shop.example", "anna.verdi@shop.example")]
fn addresses_become_links(#[case] text: &str, #[case] href: &str, #[case] words: &str) {
    let html = from_text(text);
    let link = format!("<a href=\"{href}\" target=\"_blank\" rel=\"noopener noreferrer\">{words}</a>");
    assert!(html.contains(&link), "{html}");
}

#[test]
fn text_survives_the_way_through_html() {
    let text = "Buongiorno,\n\nil pacco <urgente> è su https://shop.example/a & b.\nCiao\n\nAnna";
    assert_eq!(to_text(&from_text(text)), text);
}

#[test]
fn long_text_stays_whole() {
    let text = "perché &amp; così ".repeat(2_000);
    assert_eq!(to_text(&text), "perché & così ".repeat(2_000).trim_end());
}

#[test]
fn hostile_markup_takes_linear_time() {
    let pieces = [
        "<div>",
        "<b x=1>",
        "<p><b>",
        "<table><tr><td>",
        "<!--",
        "<",
        "<a ",
        "</p>",
        "<ul><li>",
        "<font><p>x",
        "</b>",
        "<p>",
        "&amp;",
        "£<!---->",
        "<tr>&amp;",
        "<br>",
        "<blockquote>",
        "<a href=x>",
        "<div style=\"color:red;",
        "<i><table>",
        "<b><i><u><s><em><p>",
    ];
    let started = std::time::Instant::now();
    for piece in pieces {
        let html = piece.repeat(200_000 / piece.len());
        sanitise(&html);
        to_text(&html);
    }
    let many: String = (0..30_000).map(|n| format!(" a{n}=1")).collect();
    sanitise(&format!("<p{many}>x"));
    sanitise(&format!("<p title=\"{}\">x", "&amp;".repeat(40_000)));
    sanitise(&format!("<p style=\"{}\">x", "color:rgb(".repeat(100_000)));
    assert!(started.elapsed().as_secs() < 60, "{:?}", started.elapsed());
}

proptest! {
    #[test]
    fn nothing_loads_or_runs(html in r#"(<|>|/|"|'| |=|img|src|b|a|p|style|script|svg|math|title|https://t\.example|cid:|data:|onerror|href|javascript:|<!--|-->|&|x){0,40}"#) {
        let clean = sanitise(&html);
        prop_assert!(!clean.contains("<script") && !clean.contains("<style") && !clean.contains("<svg"));
        for tag in images(&clean) {
            prop_assert!(tag.attribute("src").is_none_or(|src| !is_remote(src)));
            prop_assert!(tag.attribute("onerror").is_none());
        }
        to_text(&html);
        show_remote(&html, |address| Some(address.to_owned()));
        words_above(&html);
        replace_cids(&html, |_| Some("x".to_owned()));
    }

    #[test]
    fn any_text_can_be_shown(text in "\\PC{0,80}") {
        prop_assert!(!from_text(&text).contains("<script"));
    }
}
