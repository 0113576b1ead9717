import type { ReactNode } from "react";

interface AlertProps {
  /** Nothing is drawn where there is nothing to say. */
  children: ReactNode;
  className?: string;
}

/** What went wrong, in a line; a screen reader says it at once. */
export function Alert({ children, className = "" }: AlertProps) {
  if (!children) return null;
  return (
    <p role="alert" className={`bad ${className}`.trim()}>
      {children}
    </p>
  );
}
