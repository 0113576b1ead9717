import { usePicture } from "./usePicture";

interface PictureProps {
  path: string;
  alt: string;
  width?: number | undefined;
  height?: number | undefined;
  className?: string;
}

/** A picture of the server, in a frame that has its size before it has come. */
export function Picture({ path, alt, width, height, className = "" }: PictureProps) {
  const address = usePicture(path);
  const ratio = width && height ? { aspectRatio: `${width} / ${height}` } : {};
  return address === null ? (
    <span className={`picture ${className}`} style={ratio} role="img" aria-label={alt} />
  ) : (
    <img
      className={`picture ${className}`}
      src={address}
      alt={alt}
      style={ratio}
      draggable={false}
      loading="lazy"
    />
  );
}
