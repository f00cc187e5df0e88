// MQTT.js, as `conformance peer --exec` wants a client: it connects, subscribes at QoS 2, publishes at each QoS, connects again when
// it is cut off, and goes on until it is ended. Needs the package `mqtt` from npm, in this folder or NODE_PATH's.
import { createRequire } from "node:module";

const mqtt = createRequire(import.meta.url)("mqtt");

const client = mqtt.connect(process.env.MQTT_URL, {
  protocolVersion: 5,
  clientId: "mqttjs",
  clean: false,
  keepalive: 30,
  reconnectPeriod: 500,
  properties: { sessionExpiryInterval: 60 },
});
client.on("connect", () => {
  client.subscribe("peer/in", { qos: 2 }, () => {});
  for (const qos of [0, 1, 2]) client.publish("peer/out", "x", { qos }, () => {});
});
client.on("error", (error) => console.error(error.message));
