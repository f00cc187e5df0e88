//! The first UART of mps2-an386, which QEMU connects to a TCP port: its bytes are the connection. And a timer for the time.

const DATA: *mut u32 = 0x4000_4000 as *mut u32;
const STATE: *mut u32 = 0x4000_4004 as *mut u32;
const CTRL: *mut u32 = 0x4000_4008 as *mut u32;
const BAUDDIV: *mut u32 = 0x4000_4010 as *mut u32;
const SENDING_IS_FULL: u32 = 1;
const HAS_RECEIVED: u32 = 2;

const TIMER_CTRL: *mut u32 = 0x4000_0000 as *mut u32;
const TIMER_VALUE: *mut u32 = 0x4000_0004 as *mut u32;
const TIMER_RELOAD: *mut u32 = 0x4000_0008 as *mut u32;
/// 25 MHz, down from the top.
const TICKS_A_MILLISECOND: u32 = 25_000;

/// The UART and the timer. One of them.
pub struct Uart {
    last: u32,
    ticks: u32,
    millis: u64,
}

impl Uart {
    /// Turns both on.
    pub fn start() -> Self {
        // SAFETY: the registers of this machine, which nothing else uses.
        unsafe {
            BAUDDIV.write_volatile(16);
            CTRL.write_volatile(0b11);
            TIMER_RELOAD.write_volatile(u32::MAX);
            TIMER_VALUE.write_volatile(u32::MAX);
            TIMER_CTRL.write_volatile(1);
        }
        Self { last: u32::MAX, ticks: 0, millis: 0 }
    }

    /// Milliseconds since the start, if it is asked at least every three minutes, in which the timer goes round once.
    pub fn millis(&mut self) -> u64 {
        // SAFETY: as above.
        let value = unsafe { TIMER_VALUE.read_volatile() };
        let ticks = u64::from(self.ticks) + u64::from(self.last.wrapping_sub(value));
        self.last = value;
        self.millis += ticks / u64::from(TICKS_A_MILLISECOND);
        self.ticks = (ticks % u64::from(TICKS_A_MILLISECOND)) as u32;
        self.millis
    }

    /// What has arrived, as much as has room; doesn't wait.
    pub fn read(&mut self, to: &mut [u8]) -> usize {
        let mut n = 0;
        for byte in to {
            // SAFETY: as above.
            unsafe {
                if STATE.read_volatile() & HAS_RECEIVED == 0 {
                    break;
                }
                *byte = DATA.read_volatile() as u8;
            }
            n += 1;
        }
        n
    }

    /// Writes all of it; waits as long as that takes.
    pub fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            // SAFETY: as above.
            unsafe {
                while STATE.read_volatile() & SENDING_IS_FULL != 0 {}
                DATA.write_volatile(u32::from(*byte));
            }
        }
    }
}
