# install, uninstall, dist.
