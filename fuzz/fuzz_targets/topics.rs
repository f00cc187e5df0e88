//! A filter and a name, with a line feed between: what may be one, and what matches, as the plain reading of the standard has it.
#![no_main]

use conformance::topics;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &str| {
    if let Some((filter, name)) = input.split_once('\n')
        && !input.contains('\0')
    {
        topics::law(filter, name);
        topics::law(&format!("$share/g/{filter}"), name);
    }
});
