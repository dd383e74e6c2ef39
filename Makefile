# Each target does all of its own set-up; the logic is in xtask/.
.PHONY: demo test bench soak fuzz lint wheel cli-wheel emulator-wheel npm live live-undo

demo: ; cargo xtask demo
test: ; cargo xtask test
bench: ; cargo xtask bench
soak: ; cargo xtask soak
fuzz: ; cargo xtask fuzz
lint: ; cargo xtask lint
wheel: ; cargo xtask wheel
cli-wheel: ; cargo xtask cli-wheel
emulator-wheel: ; cargo xtask emulator-wheel
npm: ; cargo xtask npm
# In two accounts of AWS that you name: docs/live.md.
live: ; cargo xtask live
live-undo: ; cargo xtask live-undo
