# Each target does all of its own set-up; the logic is in xtask/.
.PHONY: demo test bench soak lint wheel cli-wheel emulator-wheel npm

demo: ; cargo xtask demo
test: ; cargo xtask test
bench: ; cargo xtask bench
soak: ; cargo xtask soak
lint: ; cargo xtask lint
wheel: ; cargo xtask wheel
cli-wheel: ; cargo xtask cli-wheel
emulator-wheel: ; cargo xtask emulator-wheel
npm: ; cargo xtask npm
