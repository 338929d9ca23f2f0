"""The executor as a configuration: everything but secrets."""

from autogen_core import ComponentModel
from pydantic import BaseModel, Field

from dynamic_sessions import FunctionSpec


class FunctionConfig(BaseModel):
    """An injected function as text: what travels to the session travels in a configuration."""

    name: str
    source: str
    packages: list[str] = Field(default_factory=list)
    imports: list[str] = Field(default_factory=list)
    annotation_imports: list[str] = Field(default_factory=list)
    type_checking_imports: list[str] = Field(default_factory=list)
    support: list[str] = Field(default_factory=list)
    types: list[str] = Field(default_factory=list)

    @classmethod
    def from_spec(cls, spec: FunctionSpec) -> "FunctionConfig":
        """Return the configuration of a function."""
        return cls(
            name=spec.name,
            source=spec.source,
            packages=list(spec.packages),
            imports=list(spec.imports),
            annotation_imports=list(spec.annotation_imports),
            type_checking_imports=list(spec.type_checking_imports),
            support=list(spec.support),
            types=list(spec.types),
        )

    def to_spec(self) -> FunctionSpec:
        """Return the function."""
        return FunctionSpec(
            name=self.name,
            source=self.source,
            packages=tuple(self.packages),
            imports=tuple(self.imports),
            annotation_imports=tuple(self.annotation_imports),
            type_checking_imports=tuple(self.type_checking_imports),
            support=tuple(self.support),
            types=tuple(self.types),
        )


class ACADynamicSessionsCodeExecutorConfig(BaseModel):
    """Configuration of an ACADynamicSessionsCodeExecutor; see its arguments."""

    pool_management_endpoint: str | None = None
    credential: ComponentModel | None = None
    timeout: int = 60
    work_dir: str | None = None
    functions: list[FunctionConfig] = Field(default_factory=list[FunctionConfig])
    functions_module: str = "functions"
    suppress_result_output: bool = False
    session_id: str | None = None
    api_version: str | None = None
    report_files: bool = False
    raise_on_timeout: bool = True
    install_missing: bool = False
