
"use strict";
{
  const rows = [...document.querySelectorAll("#callers tbody tr")].map((row) => [row, row.textContent.toLowerCase()]);
  const words = document.getElementById("words");
  const found = document.getElementById("found");
  const search = () => {
    const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const [row, text] of rows) {
      row.hidden = !wanted.every((word) => text.includes(word));
      if (!row.hidden) count += 1;
    }
    found.textContent = wanted.length > 0 ? `${count} of ${rows.length} rows` : "";
  };
  words.addEventListener("input", search);
  document.getElementById("search").hidden = false;
}
