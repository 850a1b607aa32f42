// The peer of our bench: ethers' NonceManager sends COUNT transfers from one account, AT_ONCE of them on their way at a time.
// Usage: node ethers_peer.js MODULES URL COUNT [AT_ONCE] [plain|prepared]: says {"accepted", "accepted_s", "accepted_per_s", "mined", "mined_s", "mined_per_s", "failed", "first_error"} as JSON.
//   plain     as one writes it: ethers asks for gas and fees itself, for each transaction
//   prepared  gas, fees and chain are given, so that a transaction costs one request
'use strict';

const { createRequire } = require('node:module');
const { resolve } = require('node:path');

const [modules, url, countText, atOnceText = '256', mode = 'prepared'] = process.argv.slice(2);
const { JsonRpcProvider, NonceManager, Wallet, parseUnits } = createRequire(`${resolve(modules)}/`)('ethers');

// The first two accounts that anvil and hardhat are born with.
const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const TO = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';

const seconds = (since) => Number(process.hrtime.bigint() - since) / 1e9;

async function main() {
  const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true, polling: false });
  const account = await new Wallet(KEY).getAddress();
  const signer = new NonceManager(new Wallet(KEY, provider));
  const before = await provider.getTransactionCount(account, 'latest');
  const fixed = { gasLimit: 21000n, maxFeePerGas: parseUnits('100', 'gwei'), maxPriorityFeePerGas: parseUnits('1', 'gwei'), type: 2, chainId: (await provider.getNetwork()).chainId };
  const transfer = { to: TO, value: 1n, ...(mode === 'prepared' ? fixed : {}) };

  let left = Number(countText);
  let accepted = 0;
  const errors = [];
  const lane = async () => {
    while (left > 0) {
      left -= 1;
      try {
        await signer.sendTransaction(transfer);
        accepted += 1;
      } catch (error) {
        errors.push(error.shortMessage ?? error.message);
      }
    }
  };
  const began = process.hrtime.bigint();
  await Promise.all(Array.from({ length: Math.min(Number(atOnceText), left) }, lane));
  const acceptedS = seconds(began);

  // All are mined when the account's count says so; where it stands still for a while, the rest is stuck behind a gap.
  let mined = 0;
  let minedS = acceptedS;
  for (let still = 0; mined < accepted && still < 200; still += 1) {
    const now = (await provider.getTransactionCount(account, 'latest')) - before;
    if (now > mined) {
      mined = now;
      minedS = seconds(began);
      still = 0;
    }
    await new Promise((wake) => setTimeout(wake, 25));
  }
  const rate = (n, s) => Math.round(n / s);
  console.log(JSON.stringify({
    accepted, accepted_s: acceptedS, accepted_per_s: rate(accepted, acceptedS), mined, mined_s: minedS, mined_per_s: rate(mined, minedS), failed: errors.length, first_error: errors[0] ?? null,
  }));
  provider.destroy();
}

main().catch((error) => {
  console.error(error.shortMessage ?? error.message);
  process.exit(1);
});
