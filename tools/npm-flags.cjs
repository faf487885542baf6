'use strict';
// Every Node has to be able to read this file, as tools/murnau.cjs.

/**
 * The flags of the command line; a test holds the list equal to it. Left out: `--help` and `--version`, which npm answers
 * itself, and `--yes`, which people set for npm once and for all.
 */
var flags = (
  'advisor-port all allow-host api-port batch-size checkpointing count dataset ddim-eta denoised-type device ' +
  'dry-run dtype dynamic-threshold-v ema-decay ' +
  'embedding fail-on failed flip-probability format from from-step gradient-accumulation-steps ' +
  'guidance-scale height image initializer initializer-embedding initializer-t1 initializer-t2 json ' +
  'kind learning-rate-t1 learning-rate-t2 learning-rate-unit lift limit loss-mask loss-mask-floor ' +
  'loss-weight mask max-steps min-snr-gamma model name negative-decoder-prompt negative-prior-prompt ' +
  'no-reference-quirks ' +
  'norm num-steps num-vectors objective offload on-bad-picture once optimizer out owner packing phase ' +
  'placeholder pooling preset preview-every-steps prior-guidance-scale prior-share prior-steps profile ' +
  'publish reference-quirks resize run sampler schedule schedule-steps seed set sheet simulate ' +
  'simulate-step-ms slots steps strength sweep template-languages templates temporal-port ' +
  'temporal-ui-port test-mode text text-dropout threads trials warm-steps warmup-steps watch ' +
  'weight-decay weights why width with-dependants worker-port workers'
).split(' ');

/**
 * Refuses flags that npm has kept for itself, which it does with all that stand before `--`, and tells only the
 * environment.
 * @param start what starts the script, up to `--`
 * @param args what came through
 */
function refuseSwallowedFlags(start, args) {
  var kept = flags.filter(function (flag) {
    // One that came through as well was not forgotten: the variable is of the person's own settings of npm.
    return (process.env[variableOf(flag)] || '') !== '' && args.indexOf('--' + flag) < 0;
  });
  if (kept.length === 0) return;
  var written = kept.map(function (flag) {
    var value = process.env[variableOf(flag)];
    return '--' + flag + (value === 'true' ? '' : ' ' + value);
  });
  console.error(
    'npm has kept ' +
      written.join(' and ') +
      ' for itself: what is meant for murnau stands after `--`.\nWrite ' +
      [start, '--'].concat(args, written).join(' '),
  );
  process.exit(2);
}

function variableOf(flag) {
  return 'npm_config_' + flag.replace(/-/g, '_');
}

module.exports = { flags: flags, refuseSwallowedFlags: refuseSwallowedFlags };
