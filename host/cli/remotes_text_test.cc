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

TEST(RemotesText, AWorkerOfASidecarIsALineOfASecondTable) {
  const Value answer = *Value::parse(R"({"remotes":[],"sidecars":[
    {"sidecar":"execution","tls":true,"waiting":3,"slots":4,"workers":[
      {"here":true,"refused":false,"credit":2,"tags":[],"endpoint":{"address":"a:7070","state":"healthy","breaker":"closed","in_flight":2,"answered":12345,"failed":1,"p50_ms":12,"p95_ms":400}},
      {"here":false,"refused":false,"credit":0,"gone":"nobody answers","endpoint":{"address":"b:7070","state":"unhealthy","breaker":"open","breaker_opens_in_ms":12000}},
      {"here":false,"refused":true,"credit":0,"gone":"it speaks 2.0.0","endpoint":{"address":"c:7070","state":"healthy","breaker":null}}]}]})");
  const std::string table =
      "WORKER  BY              STATE    BREAKER     FREE  NOW  WAITING    DONE  FAILED    P50     P95  LAST ERROR\n"
      "a:7070  execution, TLS  healthy  closed         2    2        3  12,345       1  12 ms  400 ms\n"
      "b:7070  execution, TLS  gone     open, 12 s     0    0        3       0       0      -       -  nobody answers\n"
      "c:7070  execution, TLS  refused  -              0    0        3       0       0      -       -  it speaks 2.0.0\n";
  EXPECT_EQ(sidecars_table(answer.find("sidecars"), 0), table);
  EXPECT_EQ(remotes_text(answer, 0), table);
  EXPECT_EQ(remotes_text(*Value::parse(R"({"remotes":[],"sidecars":[]})"), 0), "this host has called no other host\n");
}

TEST(RemotesText, AHostThatCallsNobodySaysSo) { EXPECT_EQ(remotes_table(*Value::parse("[]"), 80), "this host has called no other host\n"); }

}  // namespace
}  // namespace heddle
