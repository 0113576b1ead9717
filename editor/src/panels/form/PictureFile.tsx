import { useRef, useState } from "react";

import { sentence } from "../../server";
import { thumbnailPath, upload } from "../../server/api";
import { Alert } from "../../ui/Alert";
import { Picture } from "../../ui/Picture";
import { text, type Props } from "./controlProps";
import { Text } from "./TextControls";

/** A picture: its name, a look at it, and ways to give another. */
export function PictureFile(props: Props) {
  const [failed, setFailed] = useState<string | null>(null);
  const chosen = useRef<HTMLInputElement>(null);
  const shown = text(props.value);
  const take = async (file: File | undefined) => {
    if (!file) return;
    setFailed(null);
    try {
      props.onChange((await upload(file, file.name)).asset);
    } catch (error) {
      setFailed(sentence(error));
    }
  };
  return (
    <div
      className="picture-file"
      onDragOver={(event) => event.dataTransfer.types.includes("Files") && event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        event.stopPropagation(); // the page would read the picture's workflow
        void take(event.dataTransfer.files[0]);
      }}
    >
      {isAsset(shown) && <Picture path={thumbnailPath(shown, 128)} alt="The chosen picture" />}
      <Text {...props} />
      <button type="button" className="small" onClick={() => chosen.current?.click()}>
        Choose a file
      </button>
      <input
        ref={chosen}
        type="file"
        hidden
        accept="image/png,image/jpeg,image/webp"
        onChange={(event) => void take(event.target.files?.[0])}
      />
      <Alert>{failed}</Alert>
    </div>
  );
}

function isAsset(name: string): boolean {
  return /^[0-9a-f]{64}\.(png|jpg|webp)$/.test(name);
}
