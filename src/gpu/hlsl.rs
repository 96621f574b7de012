//! A name that WGSL allows and Microsoft's shader compiler does not.

use std::borrow::Cow;

/// Since version 1.8 DXC has a namespace of this name, and naga leaves such a buffer as it is (the gradients' `dx`).
pub const REFUSED_BY_DXC: &str = "dx";
/// The name in its place. No text of wgrad has it.
pub const TAKEN_BY_DXC: &str = "dx_buffer";

/// `text`, a WGSL module, with the refused name replaced wherever it is a whole word. A text that has the other name
/// already is left as it is.
pub(super) fn for_dxc(text: &str) -> Cow<'_, str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let words = |word| {
        text.match_indices(word).filter(move |(at, _)| {
            let before = text[..*at].chars().next_back();
            let after = text[at + REFUSED_BY_DXC.len()..].chars().next();
            !before.is_some_and(is_part) && !after.is_some_and(is_part)
        })
    };
    if text.contains(TAKEN_BY_DXC) || words(REFUSED_BY_DXC).next().is_none() {
        return Cow::Borrowed(text);
    }
    let (mut whole, mut end) = (String::with_capacity(text.len() + 64), 0);
    for (at, word) in words(REFUSED_BY_DXC) {
        whole.push_str(&text[end..at]);
        whole.push_str(TAKEN_BY_DXC);
        end = at + word.len();
    }
    whole.push_str(&text[end..]);
    Cow::Owned(whole)
}

#[cfg(test)]
mod tests {
    use super::{TAKEN_BY_DXC, for_dxc};
    use crate::kernels::OPERATIONS;

    #[test]
    fn whole_words_alone_are_renamed() {
        assert_eq!(for_dxc("dx[i] = dx1 + dxy.dx*ddx_dx;"), "dx_buffer[i] = dx1 + dxy.dx_buffer*ddx_dx;");
        for same in ["", "d", "dxx dx_", "dx dx_buffer", "ädx dxä"] {
            assert_eq!(for_dxc(same), same);
        }
    }

    #[test]
    fn no_text_of_wgrad_has_the_other_name() {
        let texts = OPERATIONS.iter().flat_map(|op| op.variants().iter().map(|variant| variant.source()));
        let mut refused = 0;
        for text in OPERATIONS.iter().map(|op| op.interface).chain(texts) {
            assert!(!text.contains(TAKEN_BY_DXC), "{text}");
            refused += usize::from(for_dxc(text) != text);
        }
        assert!(refused > 0, "the gradients have it");
    }
}
