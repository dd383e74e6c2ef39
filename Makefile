# Each target does all of its own set-up; the logic is in xtask/.
.PHONY: demo test bench lint wheel npm

demo: ; cargo xtask demo
test: ; cargo xtask test
bench: ; cargo xtask bench
lint: ; cargo xtask lint
wheel: ; cargo xtask wheel
npm: ; cargo xtask npm
