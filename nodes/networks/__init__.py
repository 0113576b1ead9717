"""UNet, ControlNet and decoder computed our way, over diffusers' modules."""
