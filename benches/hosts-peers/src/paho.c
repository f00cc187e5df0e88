/* paho C's synchronous client, MQTT v5: as main.rs, with the same words and the same line printed. Its CLIENT is paho. */
#include <MQTTClient.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { BYTES = 256, LIMIT = 120000 };

static double seconds(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static void check(int ok, const char *step) {
    if (!ok) { fprintf(stderr, "paho: %s\n", step); exit(1); }
}

static int by_size(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv) {
    check(argc == 8, "CLIENT TASK PORT QOS WINDOW MESSAGES FEEDER are wanted");
    const char *task = argv[2];
    int qos = atoi(argv[4]), window = atoi(argv[5]), messages = atoi(argv[6]);
    char url[64], id[32], payload[BYTES];
    snprintf(url, sizeof url, "tcp://127.0.0.1:%s", argv[3]);
    snprintf(id, sizeof id, "paho-%d", (int)getpid());
    memset(payload, 'x', sizeof payload);
    double began = seconds(CLOCK_MONOTONIC), *trips = calloc(messages, sizeof *trips), cpu;

    MQTTClient client;
    MQTTClient_createOptions create = MQTTClient_createOptions_initializer;
    create.MQTTVersion = MQTTVERSION_5;
    check(!MQTTClient_createWithOptions(&client, url, id, MQTTCLIENT_PERSISTENCE_NONE, NULL, &create), "create");
    MQTTClient_connectOptions options = MQTTClient_connectOptions_initializer5;
    options.keepAliveInterval = 60;
    options.cleanstart = 1;
    options.maxInflightMessages = window;
    MQTTProperties properties = MQTTProperties_initializer;
    MQTTProperty most = { .identifier = MQTTPROPERTY_CODE_RECEIVE_MAXIMUM, .value.integer2 = window };
    MQTTProperties_add(&properties, &most);
    MQTTResponse connected = MQTTClient_connect5(client, &options, &properties, NULL);
    check(connected.reasonCode == MQTTREASONCODE_SUCCESS, "connect");

    if (!strcmp(task, "receive")) {
        MQTTResponse subscribed = MQTTClient_subscribe5(client, "bench/hosts", 2, NULL, NULL);
        check(subscribed.reasonCode >= 0 && subscribed.reasonCode <= 2, "subscribe");
        pid_t feeder = fork();
        if (!feeder) {
            freopen("/dev/null", "w", stdout);
            execl(argv[7], argv[7], "tokio", "publish", argv[3], argv[4], "100", argv[6], NULL);
            _exit(1);
        }
        cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int n = 0; n < messages; n++) {
            char *topic = NULL;
            int len;
            MQTTClient_message *message = NULL;
            MQTTClient_receive(client, &topic, &len, &message, LIMIT);
            check(message && message->payloadlen == BYTES && message->qos == qos, "receive");
            MQTTClient_freeMessage(&message);
            MQTTClient_free(topic);
        }
        cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
        waitpid(feeder, NULL, 0);
        MQTTClient_disconnect5(client, 1000, MQTTREASONCODE_SUCCESS, NULL);
    } else {
        int one_by_one = !strcmp(task, "latency");
        MQTTClient_deliveryToken token = 0;
        cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int n = 0; n < messages; n++) {
            double sent = seconds(CLOCK_MONOTONIC);
            MQTTResponse done = MQTTClient_publish5(client, "bench/hosts", BYTES, payload, qos, 0, NULL, &token);
            check(done.reasonCode == MQTTREASONCODE_SUCCESS, "publish");
            if (one_by_one) {
                check(!MQTTClient_waitForCompletion(client, token, LIMIT), "PUBACK");
                trips[n] = seconds(CLOCK_MONOTONIC) - sent;
            }
        }
        /* Whatever is not acknowledged yet is waited for. */
        if (qos) check(!MQTTClient_waitForCompletion(client, token, LIMIT), "acknowledgement");
        MQTTClient_disconnect5(client, LIMIT, MQTTREASONCODE_SUCCESS, NULL);
        cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    }
    qsort(trips, messages, sizeof *trips, by_size);
    printf("%.2f %.0f %.0f %.2f\n", cpu * 1e6 / messages, trips[messages / 2] * 1e6, trips[messages / 100 * 99] * 1e6,
           seconds(CLOCK_MONOTONIC) - began);
    return 0;
}
