/** A small button of one sign, beside a row of a list. */

interface SignButtonProps {
  readonly sign: string;
  readonly label: string;
  readonly disabled?: boolean;
  act(): void;
}

export function SignButton({ sign, label, disabled = false, act }: SignButtonProps) {
  return (
    <button
      type="button"
      className="icon nodrag"
      aria-label={label}
      title={label}
      disabled={disabled}
      onClick={act}
    >
      {sign}
    </button>
  );
}
