import { type ReactNode, useLayoutEffect, useRef } from "react";

interface DialogProps {
  title: string;
  className?: string;
  onClose(): void;
  children: ReactNode;
}

/** A modal dialog. The browser's own keeps the focus inside and closes on Escape. */
export function Dialog({ title, className = "", onClose, children }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null);
  // While it is still on the page: closing it gives the focus back to what had it before.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={ref}
      className={`dialog ${className}`}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A browser lets a dialog be cancelled twice without asking: who stays open is shown again.
      onClose={() => ref.current?.isConnected && ref.current.showModal()}
      // The canvas listens for keys on the window; what is typed here is not for it.
      onKeyDown={(event) => event.stopPropagation()}
      onMouseDown={(event) => event.target === ref.current && onClose()}
    >
      {children}
    </dialog>
  );
}
