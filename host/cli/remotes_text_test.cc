#include "cli/remotes_text.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

TEST(RemotesText, AnEndpointIsALine) {
  const Value remotes = *Value::parse(R"([
    {"transport":"grpc","tls":true,"pools":[
      {"endpoints":[
        {"address":"a:7","state":"healthy","breaker":"closed","in_flight":2,"answered":12345,"failed":1,"retries":3,"hedges":4,"ejections":0,"breaker_opened":0,"p50_ms":0.4,"p95_ms":12},
        {"address":"b:7","state":"ejected","back_in_ms":29000,"breaker":"open","breaker_opens_in_ms":12000,"in_flight":0,"answered":0,"failed":9,"retries":0,"hedges":0,
         "ejections":2,"breaker_opened":1,"p50_ms":null,"p95_ms":null,"last_error":{"message":"cannot\nreach b:7","age_ms":1500}}]},
      {"endpoints":[{"address":"c:7","state":"unhealthy","breaker":null,"in_flight":0,"answered":0,"failed":0,"retries":0,"hedges":0,"ejections":0,"breaker_opened":0}]}]},
    {"transport":"http","tls":false,"pools":[{"endpoints":[{"address":"d:7","state":"slow-start","breaker":"half-open"}]}]}])");
  EXPECT_EQ(remotes_table(remotes, 0),
            "ENDPOINT  BY         POOL  STATE          BREAKER     NOW  ANSWERED  FAILED  RETRIES  HEDGES     P50    P95  EJECTED  OPENED  LAST ERROR\n"
            "a:7       grpc, TLS     1  healthy        closed        2    12,345       1        3       4  0.4 ms  12 ms        0       0\n"
            "b:7       grpc, TLS     1  ejected, 29 s  open, 12 s    0         0       9        0       0       -      -        2       1  1.5 s ago: cannot\\u000Areach b:7\n"
            "c:7       grpc, TLS     2  unhealthy      -             0         0       0        0       0       -      -        0       0\n"
            "d:7       http          1  slow-start     half-open     0         0       0        0       0       -      -        0       0\n");
}

TEST(RemotesText, AHostThatCallsNobodySaysSo) { EXPECT_EQ(remotes_table(*Value::parse("[]"), 80), "this host has called no other host\n"); }

}  // namespace
}  // namespace heddle
