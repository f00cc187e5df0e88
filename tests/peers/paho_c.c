/* Eclipse Paho's C client, as `conformance peer --exec` wants a client: it connects, subscribes at QoS 2, publishes at each QoS,
 * connects again when it is cut off, and goes on until it is ended. With an argument it only says its version.
 * Needs Debian's libpaho-mqtt-dev: cc -o paho_c paho_c.c -lpaho-mqtt3c */

#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void says_version(void)
{
    for (MQTTClient_nameValue *info = MQTTClient_getVersionInfo(); info->name; info++)
        if (strcmp(info->name, "Version") == 0)
            puts(info->value);
}

static int arrived(void *context, char *topic, int length, MQTTClient_message *message)
{
    (void)context, (void)length;
    MQTTClient_freeMessage(&message);
    MQTTClient_free(topic);
    return 1;
}

static int connects(MQTTClient client)
{
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty expiry = {.identifier = MQTTPROPERTY_CODE_SESSION_EXPIRY_INTERVAL, .value.integer4 = 60};

    options.keepAliveInterval = 30;
    options.cleanstart = 0;
    options.connectTimeout = 2;
    MQTTProperties_add(&properties, &expiry);
    MQTTResponse response = MQTTClient_connect5(client, &options, &properties, NULL);
    int reason = response.reasonCode;
    MQTTResponse_free(response);
    MQTTProperties_free(&properties);
    return reason == MQTTCLIENT_SUCCESS;
}

static void asks_and_publishes(MQTTClient client)
{
    MQTTResponse_free(MQTTClient_subscribe5(client, "peer/in", 2, NULL, NULL));
    for (int qos = 0; qos <= 2; qos++)
        MQTTResponse_free(MQTTClient_publish5(client, "peer/out", 1, "x", qos, 0, NULL, NULL));
}

int main(int count, char **arguments)
{
    (void)arguments;
    if (count > 1) {
        says_version();
        return 0;
    }
    char address[256];
    const char *host = getenv("MQTT_HOST"), *port = getenv("MQTT_PORT");
    if (!host || !port)
        return 2;
    snprintf(address, sizeof address, "tcp://%s:%s", host, port);

    MQTTClient client;
    MQTTClient_createOptions options = MQTTClient_createOptions_initializer;
    options.MQTTVersion = MQTTVERSION_5;
    if (MQTTClient_createWithOptions(&client, address, "paho-c", MQTTCLIENT_PERSISTENCE_NONE, NULL, &options) != MQTTCLIENT_SUCCESS)
        return 1;
    /* With callbacks a thread of the library reads. */
    MQTTClient_setCallbacks(client, NULL, NULL, arrived, NULL);
    for (;;) {
        if (MQTTClient_isConnected(client))
            usleep(50 * 1000);
        else if (connects(client))
            asks_and_publishes(client);
        else
            sleep(1);
    }
}
