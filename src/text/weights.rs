//! How X weighs a text: by the rules of twitter-text, configuration version 3. `static/js/app.js` counts by the same rules.

use std::sync::LazyLock;

use regex::Regex;
use unicode_normalization::UnicodeNormalization as _;

/// What any link counts, however long it is.
const LINK: usize = 23;

/// The ends of names that make a link where no `https://` stands before it: every country's, and of the others those that people use.
/// Links that are spelled out need none of these.
pub const TOP_LEVEL: &str = "ac|ad|ae|af|ag|ai|al|am|ao|aq|ar|as|at|au|aw|ax|az|ba|bb|bd|be|bf|bg|bh|bi|bj|bl|bm|bn|bo|bq|br|bs|bt|bv|bw|by|bz|ca|cc|cd|cf|cg|ch|ci|ck|cl|cm|cn|co|cr|cu|cv|cw|cx|cy|cz|de|dj|dk|dm|do|dz|ec|ee|eg|eh|er|es|et|eu|fi|fj|fk|fm|fo|fr|ga|gb|gd|ge|gf|gg|gh|gi|gl|gm|gn|gp|gq|gr|gs|gt|gu|gw|gy|hk|hm|hn|hr|ht|hu|id|ie|il|im|in|io|iq|ir|is|it|je|jm|jo|jp|ke|kg|kh|ki|km|kn|kp|kr|kw|ky|kz|la|lb|lc|li|lk|lr|ls|lt|lu|lv|ly|ma|mc|md|me|mf|mg|mh|mk|ml|mm|mn|mo|mp|mq|mr|ms|mt|mu|mv|mw|mx|my|mz|na|nc|ne|nf|ng|ni|nl|no|np|nr|nu|nz|om|pa|pe|pf|pg|ph|pk|pl|pm|pn|pr|ps|pt|pw|py|qa|re|ro|rs|ru|rw|sa|sb|sc|sd|se|sg|sh|si|sj|sk|sl|sm|sn|so|sr|ss|st|su|sv|sx|sy|sz|tc|td|tf|tg|th|tj|tk|tl|tm|tn|to|tp|tr|tt|tv|tw|tz|ua|ug|uk|um|us|uy|uz|va|vc|ve|vg|vi|vn|vu|wf|ws|ye|yt|za|zm|zw|com|org|net|edu|gov|int|mil|info|biz|name|pro|mobi|asia|travel|museum|aero|coop|app|art|beer|blog|boutique|business|cafe|care|center|city|cloud|club|company|cool|design|dev|digital|email|events|express|family|fashion|fit|food|fun|gallery|gift|global|group|guide|health|help|home|hotel|house|jewelry|life|live|love|ltd|market|media|menu|moda|network|news|one|online|page|photo|photography|pizza|plus|press|restaurant|sale|school|services|shoes|shop|shopping|site|social|solutions|space|store|studio|style|support|systems|team|tech|tips|today|tools|top|tours|toys|vip|watch|website|wiki|wine|work|works|world|xyz|yoga|zone|berlin|hamburg|koeln|london|paris|nyc|tokyo|wien|swiss|cat|bzh|eus|gal|scot";

/// Groups: 1 the scheme, 2 the end of the name, 3 everything behind the name.
static LINKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    const IN_PATH: &str = r"a-z0-9!*';:=+,.$/%#\[\]\-–_~@|&\x{C0}-\x{24F}\x{400}-\x{4FF}";
    const PATH_END: &str = r"+\-a-z0-9=_#/\x{C0}-\x{24F}\x{400}-\x{4FF}";
    const LETTER: &str = r"[a-z0-9\x{C0}-\x{24F}]";
    let behind = format!(
        r"((?::[0-9]+)?(?:/(?:(?:[{IN_PATH}]|\([{IN_PATH}]*\))*(?:[{PATH_END}]|\([{IN_PATH}]*\)))?)?(?:\?[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*[a-z0-9\-_&=#/])?)"
    );
    let spelled = r"(https?://)(?:[\p{L}\p{N}](?:[\p{L}\p{N}_-]*[\p{L}\p{N}])?\.)+([\p{L}]{2,63}|xn--[a-z0-9-]+)";
    let bare = format!(r"(?:{LETTER}(?:[a-z0-9_\x{{C0}}-\x{{24F}}-]*{LETTER})?\.)+([a-z]{{2,63}}|xn--[a-z0-9-]+)");
    Regex::new(&format!("(?i)(?:{spelled}|{bare}){behind}")).ok()
});

/// One emoji, of however many code points.
static EMOJI: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let one = r"[\p{Extended_Pictographic}&&[^©®]](?:\x{FE0F}|\p{Emoji_Modifier})?";
    Regex::new(&format!(
        r"\p{{Regional_Indicator}}\p{{Regional_Indicator}}|[0-9#*]\x{{FE0F}}?\x{{20E3}}|{one}(?:[\x{{E0020}}-\x{{E007E}}]+\x{{E007F}})?(?:\x{{200D}}{one})*"
    ))
    .ok()
});

/// What a text counts: of its NFC form links 23, an emoji 2, letters of most alphabets and common punctuation 1, everything else 2.
pub fn weigh(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let mut sum = 0;
    let mut done = 0;
    let mut from = 0;
    while let Some((link, next)) = next_link(&text, from) {
        if let Some((start, end)) = link {
            sum += weigh_words(&text[done..start]) + LINK;
            done = end;
        }
        from = next;
    }
    sum + weigh_words(&text[done..])
}

/// The next place that looks like a link, from a byte on, and whether it is one; and where to look further.
fn next_link(text: &str, from: usize) -> Option<(Option<(usize, usize)>, usize)> {
    let found = LINKS.as_ref()?.captures_at(text, from)?;
    let whole = found.get(0)?;
    let before = text[..whole.start()].chars().next_back();
    let spelled = found.get(1).is_some();
    let name = found.get(2).or_else(|| found.get(3))?;
    let behind = found.get(4).map_or("", |behind| behind.as_str());
    // What stands before may make it part of a longer word, a mention or a hashtag.
    let free = before.is_none_or(|c| !(c.is_ascii_alphanumeric() || "@＠$#＃".contains(c)) && (spelled || !"-_./".contains(c)));
    let after = text[name.end()..].chars().next();
    let whole_name = after.is_none_or(|c| !(c.is_ascii_alphanumeric() || "@+-".contains(c))) || !behind.is_empty();
    let known = spelled || name.as_str().to_ascii_lowercase().starts_with("xn--") || {
        let lower = name.as_str().to_ascii_lowercase();
        TOP_LEVEL.split('|').any(|known| known == lower)
    };
    let link = (free && whole_name && known).then(|| (whole.start(), whole.end()));
    Some((link, whole.end()))
}

fn weigh_words(text: &str) -> usize {
    let mut sum = 0;
    let mut done = 0;
    for emoji in EMOJI.iter().flat_map(|emoji| emoji.find_iter(text)) {
        sum += text[done..emoji.start()].chars().map(weigh_one).sum::<usize>() + 2;
        done = emoji.end();
    }
    sum + text[done..].chars().map(weigh_one).sum::<usize>()
}

fn weigh_one(c: char) -> usize {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What twitter-text 3.1.0 itself counts.
    #[test]
    fn it_counts_as_twitter_text_does() {
        for (text, weight) in [
            ("", 0),
            ("ciao", 4),
            ("perché 👍", 9),
            ("靴", 2),
            ("see https://example.com/a/very/long/address/indeed now", 31),
            ("example.com", 23),
            ("bottega.it/saldi", 23),
            ("http://t.co/abc.", 24),
            ("(https://example.com/a_(b))", 25),
            ("https://example.com/a,b.", 24),
            ("a.b", 3),
            ("scarpe.Arrivano domani", 22),
            ("ciao.come va", 12),
            ("info@bottega.it", 15),
            ("👨‍👩‍👧‍👦", 2),
            ("🇮🇹", 2),
            ("👍🏽", 2),
            ("1️⃣", 2),
            ("☺", 2),
            ("☺️", 2),
            ("©", 1),
            ("™", 2),
            ("❤️", 2),
            ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
            ("e\u{301}", 1),
            ("ñ … – “ciao”", 13),
            ("€ 5", 4),
            ("한국어", 6),
            ("https://example.com,https://example.org", 47),
            ("#bottega.it", 11),
            ("http://例え.jp/パス", 27),
            ("file.php", 8),
            ("v1.2", 4),
            ("1.5.it", 23),
            ("aaaaaaaaaa https://example.com/?q=a&b=c#d", 34),
            ("https://localhost/x", 19),
            ("bottega.shop", 23),
            ("node.js", 7),
            ("👩‍💻👩🏾‍💻", 4),
            ("\u{200d}", 1),
            ("x\u{fe0f}", 3),
            ("shop-bottega.co.uk/a", 23),
            ("-bottega.com", 12),
            ("HTTP://EXAMPLE.COM", 23),
            ("“https://example.com”", 25),
            ("ehttps://example.com", 20),
            ("日本https://example.com", 27),
            ("日本example.com", 27),
            ("https://t.co/abc日本", 27),
            ("$bottega.it", 11),
            ("bottega.it:8080/a", 23),
            ("½ ⅓", 4),
            ("☎ 06 123", 9),
        ] {
            assert_eq!(weigh(text), weight, "{text}");
        }
    }

    #[test]
    fn the_composer_counts_by_the_same_list() {
        let script = include_str!("../../static/js/app.js");
        assert!(script.contains(&format!("\"{TOP_LEVEL}\"")));
    }

    #[test]
    fn hostile_texts_take_no_time() {
        for text in ["a.".repeat(20_000), "https://".repeat(5000), "(".repeat(40_000), "a.it/(".repeat(5000), "👨\u{200d}".repeat(10_000)]
        {
            assert!(weigh(&text) > 0);
        }
    }
}
