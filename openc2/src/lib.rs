//! openc2-mqtt
#![no_std]
