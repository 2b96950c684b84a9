// The messages of rkt for a command line that it cannot read.
import { describeFlagFault, type Fault } from '../../cli/faults.ts';

/** Those of Go's pflag and cobra. How many operands there are is a matter of each command. */
export function describeFault(fault: Fault): string | undefined {
  switch (fault.kind) {
    case 'not-boolean': {
      const { spelling, value } = fault.flag;
      return `invalid argument "${value}" for "${spelling}" flag: strconv.ParseBool: parsing "${value}": invalid syntax`;
    }
    case 'unknown-command':
      return `unknown command "${fault.argument}" for "rkt"`;
    case 'no-operand':
    case 'extra-operand':
      return undefined;
    default:
      return describeFlagFault(fault);
  }
}
