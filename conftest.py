"""What the tests of spotfw and of the plugins beside it share: fixed seeds, no clock, no GPU."""

import os

import hypothesis

# Before anything loads TensorFlow: no chatter, and no GPU that only some machines have.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# Nothing is left in the home folder of whoever tests.
os.environ["SPOTFW_TOKENS_CACHE"] = "0"

# A busy machine is slow, and that is no fault of what is tested.
hypothesis.settings.register_profile(
    "spotfw",
    deadline=None,
    derandomize=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("spotfw")
