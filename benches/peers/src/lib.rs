//! The peers' codecs as subjects of the workload. Each decodes with the function its own client uses, and encodes with that
//! client's encoder; packets to encode are built, and buffers filled, outside of the measured part.

mod checks;
mod minimq;
mod mountain;
mod protocol_core;
mod rumqttc;

pub use checks::{Checks, Side};
pub use minimq::Minimq;
pub use mountain::Mountain;
pub use protocol_core::ProtocolCore;
pub use rumqttc::Rumqttc;

/// What every decoder does with a fault: the workload has none.
#[cold]
fn refused(name: &str) -> ! {
    panic!("{name} refuses a packet of the workload")
}

#[cfg(test)]
mod tests {
    use super::*;
    use benches::{Subject, Workload};

    fn same_bytes<S: Subject<Output = Vec<u8>>>(but: &[Workload]) {
        for workload in Workload::ALL {
            let bytes: &'static [u8] = workload.bytes().leak();
            if let Some(mut input) = S::input(workload, bytes) {
                (0..workload.packets()).for_each(|_| S::decode(&mut input));
            }
            if let Some(packet) = S::packet(workload, bytes).filter(|_| !but.contains(&workload)) {
                let mut output = S::output();
                let length = S::encode(&packet, &mut output, 1);
                assert_eq!(&output[..length], bytes, "{} {workload:?}", S::NAME);
            }
        }
    }

    #[test]
    fn each_peer_decodes_the_workloads_and_encodes_the_same_bytes() {
        // minimq's PUBACK always has a reason code.
        same_bytes::<Minimq>(&[Workload::PubAck]);
        same_bytes::<Mountain>(&[]);
        same_bytes::<ProtocolCore>(&[]);
    }

    #[test]
    fn rumqttc_decodes_the_workloads_and_encodes_as_many_bytes_in_its_own_order_of_properties() {
        for workload in Workload::ALL {
            let bytes: &'static [u8] = workload.bytes().leak();
            if let Some(mut input) = Rumqttc::input(workload, bytes) {
                (0..workload.packets()).for_each(|_| Rumqttc::decode(&mut input));
            }
            if let Some(packet) = Rumqttc::packet(workload, bytes) {
                let mut output = Rumqttc::output();
                Rumqttc::encode(&packet, &mut output, 1);
                assert_eq!(output.len(), bytes.len(), "{workload:?}");
            }
        }
    }
}
