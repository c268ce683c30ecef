/** The mark: two jacks of a patch bay and the cable between them. */
export function Logo({ size = 28 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 32 32" aria-hidden="true" className="logo">
      <rect width="32" height="32" rx="8" fill="#1c2033" />
      <circle cx="23" cy="9" r="2" fill="#7079a8" />
      <circle cx="9" cy="23" r="2" fill="#7079a8" />
      <path
        d="M9 9C9 25 23 7 23 23"
        fill="none"
        stroke="#ff9a4d"
        strokeWidth="3"
        strokeLinecap="round"
      />
      <circle cx="9" cy="9" r="3.6" fill="#1c2033" stroke="#fff" strokeWidth="2.2" />
      <circle cx="23" cy="23" r="3.6" fill="#1c2033" stroke="#fff" strokeWidth="2.2" />
    </svg>
  );
}
