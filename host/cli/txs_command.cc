#include "cli/client.h"
#include "cli/failure.h"
#include "cli/members.h"
#include "cli/task_text.h"
#include "cli/text_table.h"
#include "cli/verbs.h"
#include "clock.h"
#include "manifest/utf8.h"

namespace heddle {

ExitCode txs_command(const ClientArguments& arguments, const GeneralArguments& general) {
  const TxsArguments& txs = arguments.txs;
  Result<HostAddress> address = host_address(arguments.host);
  if (!address) return fail_with(exit_code_of(address.error()), address.error(), general.json);
  HostClient client(std::move(*address));
  std::string path = "/v1/transactions?limit=" + std::to_string(txs.limit);
  if (!txs.worker.empty()) path += "&worker=" + url_escaped(txs.worker);
  if (txs.open) path += "&open=1";
  const HostAnswer answer = client.get(path);
  if (!answer) return fail_with(answer, general);
  if (general.json) return print_json(answer.body);
  const Value found = answer.body.find("transactions"), failed = answer.body.find("failed");
  for (size_t i = 0; i < failed.size(); ++i) {
    const Value one = failed.at(i);
    complain("the chain " + printable(text_member(one, "chain")) + " does not say its transactions: " + printable(text_member(one.find("error"), "message")));
  }
  if (found.size() == 0) say(txs.open ? "no transactions are open" : "no transactions", general);
  if (found.size() > 0 && !print(transaction_table(found, wall_ms(), table_columns()))) return ExitCode::kIo;
  return failed.size() > 0 ? ExitCode::kFailed : ExitCode::kOk;
}

}  // namespace heddle
