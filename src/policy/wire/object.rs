//! Writes down a mapping of the language: its fields, what they are, and which of them must be there.

/// A struct whose fields are `Option<Located<…>>`, with its reader and its JSON Schema. A field marked `[required]`
/// is reported where it is missing, and is None afterwards like any other that could not be read.
macro_rules! object {
    (
        $(#[$meta:meta])*
        $name:ident, $what:literal {
            $( $(#[$field_meta:meta])* $field:ident = $key:literal : $type:ty $([$required:ident])? ),+ $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, Default, schemars::JsonSchema)]
        #[schemars(deny_unknown_fields)]
        pub(crate) struct $name {
            $( $(#[$field_meta])* #[schemars(rename = $key $(, $required)?)]
            pub $field: Option<$crate::policy::located::Located<$type>>, )+
            /// The fields that are written, readable or not.
            #[schemars(skip)]
            given: std::collections::BTreeSet<&'static str>,
        }

        #[allow(dead_code, reason = "every mapping has them, not every mapping needs them")]
        impl $name {
            /// Its fields.
            pub(crate) const FIELDS: &'static [&'static str] = &[$($key),+];

            /// Whether a field is written, even if it could not be read.
            pub(crate) fn has(&self, field: &str) -> bool {
                self.given.contains(field)
            }
        }

        impl $crate::policy::wire::read::Wire for $name {
            fn read(
                node: &$crate::policy::node::Node,
                out: &mut $crate::policy::finding::Findings,
            ) -> Option<Self> {
                let entries = $crate::policy::wire::read::mapping(node, $what, out)?;
                let mut object = Self::default();
                for (key, value) in entries {
                    match key.text.as_str() {
                        $( $key => {
                            if object.given.insert($key) {
                                object.$field = $crate::policy::wire::read::field(key, value, out);
                            }
                        } )+
                        _ => $crate::policy::wire::read::unknown(key, $what, Self::FIELDS, out),
                    }
                }
                $( $crate::policy::wire::object::require!(node, $what, $key, out $(, $required)?); )+
                Some(object)
            }

            fn join(
                first: &mut $crate::policy::located::Located<Self>,
                second: $crate::policy::located::Located<Self>,
                path: &str,
                out: &mut $crate::policy::finding::Findings,
            ) {
                const LISTS: &[(&str, bool)] = &[$(($key, <$type as $crate::policy::wire::read::Wire>::LIST)),+];
                let valued = |of: &Self, and: &Self| {
                    LISTS.iter().any(|(key, list)| !list && of.given.contains(key) && and.given.contains(key))
                };
                let (ours, theirs) = (valued(&first.value, &first.value), valued(&second.value, &second.value));
                if ours && theirs && !valued(&first.value, &second.value) {
                    $crate::policy::wire::read::divided(first.span, second.span, path, out);
                }
                if theirs && !ours {
                    first.span = second.span;
                }
                first.value.given.extend(second.value.given);
                $(
                    let path_here = format!("{path}.{}", $key);
                    $crate::policy::wire::read::join(&mut first.value.$field, second.value.$field, &path_here, out);
                )+
            }
        }
    };
}

macro_rules! require {
    ($node:ident, $what:literal, $key:literal, $out:ident) => {};
    ($node:ident, $what:literal, $key:literal, $out:ident, required) => {
        $crate::policy::wire::read::require($node, $what, $key, $out)
    };
}

/// Reads and describes an enumeration of words.
macro_rules! words {
    ($(#[$meta:meta])* $name:ty, $schema:literal, $what:literal { $( $word:literal => $value:expr ),+ $(,)? }) => {
        impl $crate::policy::wire::read::Word for $name {
            const WHAT: &'static str = $what;
            const SCHEMA: &'static str = $schema;
            const WORDS: &'static [(&'static str, Self)] = &[$(($word, $value)),+];
        }
    };
}

pub(crate) use {object, require, words};
