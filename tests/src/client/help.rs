//! What the command line says about commands and events.

/// Each command with its keys, and each event with its keys.
pub const HELP: &str = r#"Commands, in order, one JSON object a line ([] marks what may be left out; properties are always optional):
  {"open":"HOST:PORT"}                 connects TCP, and sends nothing; "mqtts://HOST:PORT" connects TLS
  {"connect":{[client_id, clean_start=true, keep_alive=60, user_name, password|password_hex,
      will:{topic, [payload|payload_hex, qos=0, retain=false, properties]}, properties,
      acknowledge="auto"|"manual", prior="none"|"empty", timeout_ms=30000, ping_timeout_ms=10000,
      keep_alive_share=95, topic_aliases=0]}}
  {"publish":{topic, [payload|payload_hex, qos=0, retain=false, properties, hold=false]}}
  {"subscribe":{filters:[{filter, [qos=0, no_local=false, retain_as_published=false, retain_handling=0]}], [properties]}}
  {"unsubscribe":{filters:[..], [properties]}}
  {"auth":{[reason=24, properties]}}
  {"ping":{}}
  {"ack":{id, [reason=0]}}             for a message, after connect with "acknowledge":"manual"
  {"disconnect":{[reason=0, properties, at_once=false]}}
  {"close":{}}                         drops the connection without a word
  {"wait":{event, [timeout_ms=5000]}}  the next command waits for such an event
  {"sleep_ms":N}
  {"quit":{}}                          as the end of input: drops the connection, and ends

Packets are handled all the while. A message with "hold" may wait for a connection, or for the server's Receive Maximum;
it needs no open connection. "prior" says what the server may hold of a session that this run has not seen.

Events, one JSON object a line, printed and flushed as they happen:
  connected     session_present, reason, properties (CONNACK); resumed: whether our session goes on; lost: identifiers of
                exchanges that ended without an answer
  refused       by "server": command, session_present, reason, properties, why (CONNACK with a reason of 128 and above)
                by "client": command, kind, rule (or null), why: the command may not be carried out, and has changed
                nothing; kind is not_connected, connected, closing, exchanges, bytes, receive_maximum, unknown, or rule
                for a statement of the standard, a limit of the server or the state of the session
  subscribed    id, reasons (one a filter), properties (SUBACK)
  unsubscribed  id, reasons (one a filter), properties (UNSUBACK)
  published     id, qos, reason, properties (PUBACK, PUBCOMP, or the PUBREC that ended it); received: reason and
                properties of a PUBREC that came before. There is none for QoS 0, which nothing answers
  unconfirmed   id, reason, properties (PUBCOMP): a QoS 2 message is over, and nobody knows whether it arrived: its
                PUBREC did not come, and the server's limits forbid to send it again
  message       topic (an alias is resolved), payload_hex, qos, id (null at QoS 0), dup, retain, properties (PUBLISH)
  auth          reason, properties (AUTH)
  pong          (PINGRESP)
  fault         reason, rule, why: the server broke this statement of the standard; the DISCONNECT follows where one may
                be sent, and then closed
  disconnected  reason, properties (the server's DISCONNECT)
  closed        by "server" or "client"; lost: as above; why, if the connection failed. Follows every end of a connection
  expired       lost: as above. The session ended while there was no connection
  timeout       a wait was in vain
  error         why: the command was not understood, or no connection is open

A wait consumes the oldest event of its name that no wait has consumed, past ones included; from before the last open, only
if it came after the event consumed last.

Properties are an object with the specification's names in snake_case, sent in the order given: numbers, strings,
user_property as a list of pairs, correlation_data_hex and authentication_data_hex as hexadecimal digits, and
subscription_identifier as a number, or a list if a message has several. What is 0 or 1 on the wire is a number here.
Reasons are numbers. No property is added that was not asked for; packet identifiers begin at 1 and count up; there is
room for 65,535 exchanges. The session lives until the end, over any number of opens."#;
