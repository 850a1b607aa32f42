#include "cli/task_text.h"

#include <gtest/gtest.h>

namespace heddle {
namespace {

constexpr uint64_t kNow = 1'795'246'000'000;

TEST(TaskText, AWorkerIsALineAndWhatIsWrongWithOneFollows) {
  const Value workers = *Value::parse(R"([
    {"worker":"video","works":true,"account":"0xf39f","counts":{"open":3,"settled":1200,"failed":1,"lost":2},
     "standing":{"chain":31337,"block":77,"block_unix":1795245988,"balance":9999999999999999999999,"pending":2,"gaps":0,"alarms":["the balance\nis low"],
                 "endpoints":[{"address":"http://a:1","well":true},{"address":"http://b:2","well":false,"error":"nobody answers"}]}},
    {"worker":"audio","works":false,"why":"no-key: the key can be read by others"}])");
  EXPECT_EQ(worker_table(workers, kNow, 0),
            "WORKER  WORKS  ACCOUNT  OPEN  SETTLED  FAILED  LOST  HEAD          WELL    PENDING  GAPS                 BALANCE\n"
            "video   yes    0xf39f      3    1,200       1     2  77, 12 s ago  1 of 2        2     0  9999999999999999999999\n"
            "audio   no     -           -        -       -     -  -             -             -     -                       -\n"
            "video: the balance\\u000Ais low\n"
            "video: the endpoint http://b:2 is not well: nobody answers\n"
            "audio does not work: no-key: the key can be read by others\n");
}

TEST(TaskText, ABalanceHasNoExponent) {
  const Value workers = *Value::parse(R"([{"worker":"w","works":true,"account":"a","standing":{"balance":1e+22}}])");
  EXPECT_NE(worker_table(workers, kNow, 0).find(" 10000000000000000000000\n"), std::string::npos);
}

TEST(TaskText, ATaskIsALineThatSaysWhatItWaitsFor) {
  const Value tasks = *Value::parse(R"([
    {"activity":"0xa1","state":"running","over":false,"worker":"video","queue":"q","kind":"k","attempt":2,"percent":40,"message":"half way","since_ms":1795245940000,"lease_until_unix":1795246060},
    {"activity":"0xb2","state":"computed","over":false,"worker":"video","queue":"q","kind":"k","attempt":1,"percent":0,"waits_for":"nobody answers","since_ms":1795245880000},
    {"activity":"0xc3","state":"lost","over":true,"worker":"video","queue":"q","kind":"k","attempt":0,"percent":0,"why":"another worker has it","since_ms":1795245880000,"lease_until_unix":1795246060}])");
  EXPECT_EQ(task_table(tasks, kNow, 0),
            "ACTIVITY  STATE     WORKER  QUEUE  KIND  TRY      SINCE     LEASE  NOTE\n"
            "0xa1      running   video   q      k       2  1 min ago  in 1 min  40 %, half way\n"
            "0xb2      computed  video   q      k       1  2 min ago         -  waits: nobody answers\n"
            "0xc3      lost      video   q      k       0  2 min ago         -  another worker has it\n");
}

TEST(TaskText, ATaskInFullHasItsHistoryAndItsTransaction) {
  const Value task = *Value::parse(R"({"activity":"0xa1","worker":"video","run":1,"state":"settled","over":true,"kind":"k","queue":"q","partition":3,"attempt":1,"percent":100,
    "history":[{"to":"claimed","at_ms":1795245880000,"why":"found on the chain"},{"to":"settled","at_ms":1795245940000}],
    "transaction":{"transaction":"0xhash","stage":"final","number":7,"block":77}})");
  const std::string text = task_detail(task, kNow);
  for (const char* line : {"activity        0xa1\n", "queue           q, partition 3\n", "run             1, attempt 1\n", "transaction     0xhash\n                final, number 7, block 77\n",
                           "  claimed: found on the chain\n", "  settled\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "is not in\n" << text;
  EXPECT_EQ(text.find("progress"), std::string::npos) << "it is over";
}

TEST(TaskText, ATransactionIsALineWithTheTroubleOfItsLastAttempt) {
  const Value all = *Value::parse(R"([
    {"key":"0xa1/complete/1","stage":"sent","number":8,"transaction":"0x22","do":"complete","attempts":[{"transaction":"0x11","error":"underpriced"},{"transaction":"0x22","error":"no answer"}],"stored_unix":1795245940},
    {"key":"0xa1/claim/1","stage":"final","number":7,"transaction":"0x33","do":"claim","attempts":[{"transaction":"0x33"}],"block":77,"stored_unix":1795245880}])");
  EXPECT_EQ(transaction_table(all, kNow, 0),
            "NUMBER  STAGE  DO        KEY              TRANSACTION  TRIES  BLOCK     STORED  NOTE\n"
            "     8  sent   complete  0xa1/complete/1  0x22             2      -  1 min ago  no answer\n"
            "     7  final  claim     0xa1/claim/1     0x33             1     77  2 min ago\n");
}

}  // namespace
}  // namespace heddle
