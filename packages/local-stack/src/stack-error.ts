/** Something the person at the terminal can mend: its message is one clear line, without a stack. */
export class StackError extends Error {
  override readonly name = 'StackError';
}
